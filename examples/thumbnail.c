/*
 * A thumbnail in the program's own process: no store, no worker, no thread of ours. For
 * images that you trust; bytes from strangers belong in a pool (see submit_and_wait.c).
 *
 *     thumbnail INPUT OUTPUT [WIDTH HEIGHT]
 *
 * OUTPUT ends in .jpg, .png or .webp, and that is the format it gets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <imgjob/imgjob.h>

/* The whole file, to be freed; NULL when it cannot be read. */
static void *read_file(const char *path, size_t *out_len)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    void *data = NULL;
    long len;
    if (fseek(file, 0, SEEK_END) == 0 && (len = ftell(file)) > 0 &&
        fseek(file, 0, SEEK_SET) == 0 && (data = malloc((size_t)len)) != NULL) {
        *out_len = (size_t)len;
        if (fread(data, 1, *out_len, file) != *out_len) {
            free(data);
            data = NULL;
        }
    }
    fclose(file);
    return data;
}

static int write_file(const char *path, const void *data, size_t len)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        return -1;
    size_t wrote = fwrite(data, 1, len, file);
    return fclose(file) == 0 && wrote == len ? 0 : -1;
}

int main(int argc, char **argv)
{
    const char *format = argc > 2 ? strrchr(argv[2], '.') : NULL;
    if ((argc != 3 && argc != 5) || !format) {
        fprintf(stderr, "usage: thumbnail INPUT OUTPUT.jpg|.png|.webp [WIDTH HEIGHT]\n");
        return 2;
    }
    char json[256];
    snprintf(json, sizeof(json),
             "{\"operation\": \"thumbnail\", \"width\": %d, \"height\": %d, "
             "\"output_format\": \"%.10s\"}",
             argc == 5 ? atoi(argv[3]) : 320, argc == 5 ? atoi(argv[4]) : 320,
             format + 1);

    size_t len = 0;
    void *image = read_file(argv[1], &len);
    if (!image) {
        perror(argv[1]);
        return 1;
    }
    struct imgjob_error err = { 0 };
    struct imgjob_spec *spec = NULL;
    struct imgjob_result *result = NULL;
    int status = 1;
    if (imgjob_spec_parse(json, strlen(json), &spec, &err) < 0 ||
        imgjob_run(image, len, spec, NULL, &result, &err) < 0) {
        fprintf(stderr, "%s: %s\n", argv[1], err.text);
    } else {
        const struct imgjob_output *output = imgjob_result_output(result, 0);
        if (write_file(argv[2], output->data, output->len) < 0) {
            perror(argv[2]);
        } else {
            printf("%s: %u × %u px, %s, %zu bytes\n", argv[2], (unsigned)output->width,
                   (unsigned)output->height, imgjob_format_name(output->format),
                   output->len);
            status = 0;
        }
    }
    imgjob_result_free(result);
    imgjob_spec_free(spec);
    free(image);
    return status;
}
