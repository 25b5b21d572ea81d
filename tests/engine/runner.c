/*
 * Runs specs for the tests of the engine, through the public API alone, one after another
 * in one process, so that a test may run thousands. Requests are lines; a word, a blank,
 * and the rest of the line is its value:
 *
 *     image PATH           the image of what follows
 *     input PATH           one more further input
 *     limit NAME NUMBER    one of imgjob_limits
 *     run PREFIX JSON      run a spec; output i is written to PREFIXi
 *     parse JSON           only read a spec
 *     schema               imgjob_spec_schema()
 *     reset                forget image, inputs and limits
 *
 * run, parse and schema answer with one line of JSON each: {"code": 0, …} or, when
 * refused, {"code": -2, "name": "spec", "text": "…"}.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <imgjob/imgjob.h>

enum { INPUTS_MAX = 8, PATH_SIZE = 4096 };

struct request {
    struct imgjob_image_bytes image, inputs[INPUTS_MAX];
    size_t input_count;
    struct imgjob_limits limits;
};

/* A fault of the test that drives us. */
static void die(const char *what, const char *which)
{
    fprintf(stderr, "runner: %s: %s\n", what, which);
    exit(2);
}

static struct imgjob_image_bytes read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    long len = 0;
    if (!file || fseek(file, 0, SEEK_END) != 0 || (len = ftell(file)) < 0 ||
        fseek(file, 0, SEEK_SET) != 0)
        die("cannot open", path);
    void *data = malloc((size_t)len + 1);
    if (!data || fread(data, 1, (size_t)len, file) != (size_t)len)
        die("cannot read", path);
    fclose(file);
    return (struct imgjob_image_bytes){ .data = data, .len = (size_t)len };
}

static void write_file(const char *path, const void *data, size_t len)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, len, file) != len || fclose(file) != 0)
        die("cannot write", path);
}

static void reset(struct request *request)
{
    free((void *)request->image.data);
    for (size_t i = 0; i < request->input_count; i++)
        free((void *)request->inputs[i].data);
    *request = (struct request){ .limits.size = sizeof(request->limits) };
}

static void set_limit(struct imgjob_limits *limits, char *words)
{
    const struct {
        const char *name;
        uint64_t *wide;
        uint32_t *narrow;
    } all[] = {
        { "max_upload_size", &limits->max_upload_size, NULL },
        { "max_output_size", &limits->max_output_size, NULL },
        { "max_pixels", &limits->max_pixels, NULL },
        { "max_progressive_pixels", &limits->max_progressive_pixels, NULL },
        { "max_side", NULL, &limits->max_side },
        { "max_pages", NULL, &limits->max_pages },
    };
    char *number = strchr(words, ' ');
    if (!number)
        die("no number", words);
    *number++ = '\0';
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(words, all[i].name) != 0)
            continue;
        uint64_t value = strtoull(number, NULL, 10);
        if (all[i].wide)
            *all[i].wide = value;
        else
            *all[i].narrow = (uint32_t)value;
        return;
    }
    die("no such limit", words);
}

static void put_string(const char *text)
{
    putchar('"');
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c == '"' || *c == '\\')
            printf("\\%c", *c);
        else if (*c < 0x20)
            printf("\\u%04x", *c);
        else
            putchar(*c);
    putchar('"');
}

static void put_refusal(int code, const struct imgjob_error *err)
{
    printf("{\"code\": %d, \"name\": \"%s\", \"text\": ", code, imgjob_code_name(code));
    put_string(err->text);
    printf("}\n");
}

static void put_outputs(const struct imgjob_result *result, const char *prefix)
{
    printf("{\"code\": 0, \"outputs\": [");
    for (size_t i = 0; i < imgjob_result_count(result); i++) {
        const struct imgjob_output *output = imgjob_result_output(result, i);
        char path[PATH_SIZE];
        (void)snprintf(path, sizeof(path), "%s%zu", prefix, i);
        write_file(path, output->data, output->len);
        printf("%s{\"name\": \"%s\", \"format\": \"%s\", \"width\": %" PRIu32
               ", \"height\": %" PRIu32 ", \"bytes\": %zu, \"path\": ",
               i ? ", " : "", output->name, imgjob_format_name(output->format),
               output->width, output->height, output->len);
        put_string(path);
        putchar('}');
    }
    printf("]}\n");
}

static void run(const struct request *request, char *words)
{
    char *json = strchr(words, ' ');
    if (!json)
        die("no spec", words);
    *json++ = '\0';
    const struct imgjob_run_options options = { .size = sizeof(options),
                                                .limits = &request->limits,
                                                .inputs = request->inputs,
                                                .input_count = request->input_count };
    struct imgjob_error err = { 0 };
    struct imgjob_spec *spec = NULL;
    struct imgjob_result *result = NULL;
    int rc = imgjob_spec_parse(json, strlen(json), &spec, &err);
    if (rc == 0)
        rc = imgjob_run(request->image.data, request->image.len, spec, &options, &result,
                        &err);
    if (rc == 0)
        put_outputs(result, words);
    else
        put_refusal(rc, &err);
    imgjob_result_free(result);
    imgjob_spec_free(spec);
}

static void parse(const char *json)
{
    struct imgjob_error err = { 0 };
    struct imgjob_spec *spec = NULL;
    int rc = imgjob_spec_parse(json, strlen(json), &spec, &err);
    if (rc == 0)
        printf("{\"code\": 0, \"spec\": %s}\n", imgjob_spec_text(spec));
    else
        put_refusal(rc, &err);
    imgjob_spec_free(spec);
}

static void schema(void)
{
    struct imgjob_error err = { 0 };
    char *text = NULL;
    int rc = imgjob_spec_schema(&text, &err);
    if (rc == 0)
        printf("{\"code\": 0, \"schema\": %s}\n", text);
    else
        put_refusal(rc, &err);
    imgjob_text_free(text);
}

static void answer(struct request *request, const char *word, char *value)
{
    if (strcmp(word, "image") == 0) {
        free((void *)request->image.data);
        request->image = read_file(value);
    } else if (strcmp(word, "input") == 0 && request->input_count < INPUTS_MAX)
        request->inputs[request->input_count++] = read_file(value);
    else if (strcmp(word, "limit") == 0)
        set_limit(&request->limits, value);
    else if (strcmp(word, "run") == 0)
        run(request, value);
    else if (strcmp(word, "parse") == 0)
        parse(value);
    else if (strcmp(word, "schema") == 0)
        schema();
    else if (strcmp(word, "reset") == 0)
        reset(request);
    else
        die("no such request", word);
    fflush(stdout);
}

int main(void)
{
    struct request request = { 0 };
    reset(&request);
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    while ((len = getline(&line, &size, stdin)) > 0) {
        if (line[len - 1] == '\n')
            line[len - 1] = '\0';
        char *value = strchr(line, ' ');
        if (value)
            *value++ = '\0';
        answer(&request, line, value ? value : line + strlen(line));
    }
    free(line);
    reset(&request);
    return 0;
}
