/** The version of libimgjob, and the marks its headers use. */
#ifndef IMGJOB_VERSION_H
#define IMGJOB_VERSION_H

/* Read by meson.build: this is the one place where the version stands. */
#define IMGJOB_VERSION_MAJOR 0
#define IMGJOB_VERSION_MINOR 1
#define IMGJOB_VERSION_PATCH 0

#ifdef __cplusplus
#define IMGJOB_BEGIN_DECLS extern "C" {
#define IMGJOB_END_DECLS   }
#else
#define IMGJOB_BEGIN_DECLS
#define IMGJOB_END_DECLS
#endif

#if defined(__GNUC__)
#define IMGJOB_API __attribute__((visibility("default")))
#else
#define IMGJOB_API
#endif

IMGJOB_BEGIN_DECLS

/**
 * The version of the library that is linked at run time, "MAJOR.MINOR.PATCH".
 *
 * @return a constant string
 * @since 0.1
 */
IMGJOB_API const char *imgjob_version(void);

IMGJOB_END_DECLS
#endif
