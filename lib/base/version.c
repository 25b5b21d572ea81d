/* Owns the answer to "which library am I running on". */
#include <imgjob/version.h>

#define TEXT_OF(number) #number
#define VERSION_TEXT(major, minor, patch) \
    TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *imgjob_version(void)
{
    return VERSION_TEXT(IMGJOB_VERSION_MAJOR, IMGJOB_VERSION_MINOR, IMGJOB_VERSION_PATCH);
}
