/*
 * Owns libvips' life in this process: started once, with nothing kept between images, no
 * threads beyond the ones a call needs, and no loader that its authors call untrusted but
 * those of formats that were switched on and have been met.
 */
#include "image/image.h"

#include <pthread.h>

#include <vips/vips.h>

#include "base/auto.h"

static pthread_once_t started = PTHREAD_ONCE_INIT;
static bool is_running;

static pthread_mutex_t allowed_lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t allowed; /* guarded by allowed_lock: formats no longer blocked */

/* Its warnings quote hostile files, and every fault also fails the call. */
static void drop_message(const char *domain, GLogLevelFlags level, const char *text,
                         void *data)
{
    (void)domain;
    (void)level;
    (void)text;
    (void)data;
}

static void start(void)
{
    (void)g_log_set_handler("VIPS", G_LOG_LEVEL_WARNING | G_LOG_LEVEL_INFO, drop_message,
                            NULL);
    if (VIPS_INIT("imgjob") != 0)
        return;
    vips_leak_set(FALSE);
    vips_cache_set_max(0);
    vips_concurrency_set(1);
    vips_block_untrusted_set(TRUE);
    vips_operation_block_set("VipsForeignSaveJxl", FALSE); /* it reads only pixels */
    is_running = true;
}

int ij_image_start(struct imgjob_error *err)
{
    (void)pthread_once(&started, start); /* cannot fail on a valid control */
    if (!is_running)
        return ij_fail(err, IMGJOB_E_INTERNAL, "start libvips %s: %.150s",
                       vips_version_string(), vips_error_buffer());
    return 0;
}

void ij_image_allow(uint32_t format)
{
    static const struct {
        uint32_t format;
        const char *loader; /* the class above all its loaders */
    } loaders[] = {
        { IMGJOB_FORMAT_SVG, "VipsForeignLoadSvg" },
        { IMGJOB_FORMAT_PDF, "VipsForeignLoadPdf" },
        { IMGJOB_FORMAT_JXL, "VipsForeignLoadJxl" },
        { IMGJOB_FORMAT_JP2, "VipsForeignLoadJp2k" },
    };
    for (size_t i = 0; i < IJ_ARRAY_LEN(loaders); i++) {
        if (loaders[i].format != format)
            continue;
        (void)pthread_mutex_lock(&allowed_lock);
        if (!(allowed & IMGJOB_FORMAT_BIT(format)))
            vips_operation_block_set(loaders[i].loader, FALSE);
        allowed |= IMGJOB_FORMAT_BIT(format);
        (void)pthread_mutex_unlock(&allowed_lock);
    }
}

const char *ij_image_library_version(void)
{
    return vips_version_string();
}

void ij_image_thread_end(void)
{
    if (is_running)
        vips_thread_shutdown();
}
