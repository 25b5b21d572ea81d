/*
 * Owns libvips' life in this process: started once, with nothing kept between images, no
 * threads beyond the ones a call needs, and no loader that its authors call untrusted.
 */
#include "image/image.h"

#include <pthread.h>

#include <vips/vips.h>

static pthread_once_t started = PTHREAD_ONCE_INIT;
static bool is_running;

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

void ij_image_thread_end(void)
{
    if (is_running)
        vips_thread_shutdown();
}
