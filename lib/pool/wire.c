/*
 * Frames as bytes and back; pure. A frame is magic, type, length of the rest, and its
 * members one after the other in the byte order of the machine, since both ends are
 * processes of one build on one machine. Strings are a length and that many bytes without
 * a zero byte.
 *
 * Both directions share two cursors that stick once they fail, so a member that does not
 * fit is noticed at the end and no read or write ever leaves the buffer.
 */
#include "pool/wire.h"

#include <stdio.h>
#include <string.h>

#include <imgjob/version.h>

enum { WIRE_MAGIC = 0x4a494d47, WIRE_REVISION = 6, WIRE_HEAD_SIZE = 12 };

void ij_wire_build(char out[IJ_WIRE_BUILD_SIZE])
{
    (void)snprintf(out, IJ_WIRE_BUILD_SIZE, "%d.%d.%d/%d/%zu.%zu.%zu.%zu.%d.%d",
                   IMGJOB_VERSION_MAJOR, IMGJOB_VERSION_MINOR, IMGJOB_VERSION_PATCH,
                   WIRE_REVISION, sizeof(struct ij_wire_frame),
                   sizeof(struct imgjob_limits), sizeof(struct ij_image_header),
                   sizeof(struct ij_failure), IJ_STAGE_COUNT, IJ_REASON_COUNT);
}

int ij_wire_hello_fill(struct ij_wire_hello *hello, const struct ij_ops *ops,
                       struct imgjob_error *err)
{
    struct ij_wire_hello said = { .op_count = (uint32_t)ops->count };
    int rc = ij_ops_hash(ops, &said.op_hash, err);
    if (rc < 0)
        return rc;
    ij_wire_build(said.build);
    *hello = said;
    return 0;
}

/* ---- writing ---- */

struct writer {
    char *data;
    size_t len, size;
    bool failed;
};

static void put(struct writer *writer, const void *data, size_t len)
{
    if (writer->failed || len > writer->size - writer->len) {
        writer->failed = true;
        return;
    }
    if (len > 0)
        memcpy(writer->data + writer->len, data, len);
    writer->len += len;
}

static void put_u32(struct writer *writer, uint32_t value)
{
    put(writer, &value, sizeof(value));
}

static void put_u64(struct writer *writer, uint64_t value)
{
    put(writer, &value, sizeof(value));
}

/* `text` stands in a field of `size` bytes and is terminated. */
static void put_text(struct writer *writer, const char *text, size_t size)
{
    size_t len = strnlen(text, size);
    put_u32(writer, (uint32_t)len);
    put(writer, text, len);
}

static void put_limits(struct writer *writer, const struct imgjob_limits *limits)
{
    put_u64(writer, limits->max_upload_size);
    put_u64(writer, limits->max_output_size);
    put_u64(writer, limits->max_pixels);
    put_u64(writer, limits->max_progressive_pixels);
    put_u32(writer, limits->max_side);
    put_u32(writer, limits->max_pages);
    put_u32(writer, limits->extra_formats);
}

static void put_job(struct writer *writer, const struct ij_wire_job *job)
{
    put_limits(writer, &job->limits);
    put_u32(writer, job->safe_shrink);
    put_u32(writer, (uint32_t)job->input_count);
    for (size_t i = 0; i < job->input_count && i < IJ_SPEC_INPUTS_MAX; i++)
        put_u64(writer, job->input_lens[i]);
    put_u32(writer, (uint32_t)job->spec_len);
    put(writer, job->spec, job->spec_len);
}

static void put_header(struct writer *writer, const struct ij_image_header *header)
{
    put_u32(writer, header->format);
    put_u32(writer, header->width);
    put_u32(writer, header->height);
    put_u32(writer, header->pages);
    put_u32(writer, header->bands);
    put_u32(writer, header->bits);
    put_u32(writer, header->orientation);
    put_u32(writer, header->has_alpha);
    put_u32(writer, header->has_profile);
    put_u32(writer, header->progressive);
    put_text(writer, header->loader, sizeof(header->loader));
}

static void put_failure(struct writer *writer, const struct ij_failure *failure)
{
    put_u32(writer, (uint32_t)failure->error.code);
    put_text(writer, failure->error.text, sizeof(failure->error.text));
    put_u32(writer, failure->stage);
    put_u32(writer, failure->reason);
    put_u64(writer, (uint64_t)failure->value);
    put_u64(writer, (uint64_t)failure->limit_value);
    put_text(writer, failure->limit, sizeof(failure->limit));
    put_text(writer, failure->setting, sizeof(failure->setting));
    put_text(writer, failure->loader, sizeof(failure->loader));
    put_text(writer, failure->library_text, sizeof(failure->library_text));
}

static void put_output(struct writer *writer, const struct ij_image_output *output)
{
    put_u32(writer, output->format);
    put_u32(writer, output->width);
    put_u32(writer, output->height);
    put_u32(writer, output->pages);
    put_u64(writer, output->len);
    put_u32(writer, output->encodes);
    put_u32(writer, output->quality);
    put_u32(writer, output->colors);
    put_u32(writer, output->ssim_millis);
    put_u32(writer, output->is_over_budget);
}

static void put_result(struct writer *writer, const struct ij_wire_result *result)
{
    put_u32(writer, result->timings.decode_ms);
    put_u32(writer, result->timings.process_ms);
    put_u32(writer, result->timings.encode_ms);
    bool is_done = result->failure.error.code == 0;
    put_u32(writer, is_done);
    if (!is_done) {
        put_failure(writer, &result->failure);
        return;
    }
    put_u32(writer, (uint32_t)result->output_count);
    for (size_t i = 0; i < result->output_count && i < IJ_SPEC_OUTPUTS_MAX; i++)
        put_output(writer, &result->outputs[i]);
    put_u32(writer, (uint32_t)result->info_len);
    put(writer, result->info, result->info_len);
}

static void put_progress(struct writer *writer, const struct ij_progress *progress)
{
    put_u32(writer, progress->percent);
    put_u32(writer, progress->stage);
    put_u32(writer, progress->output);
}

static void put_frame(struct writer *writer, const struct ij_wire_frame *frame)
{
    switch (frame->type) {
    case IJ_WIRE_HELLO:
        put_text(writer, frame->hello.build, sizeof(frame->hello.build));
        put_u32(writer, (uint32_t)frame->hello.pid);
        put_u32(writer, frame->hello.op_count);
        put_u64(writer, frame->hello.op_hash);
        return;
    case IJ_WIRE_JOB:
        put_job(writer, &frame->job);
        return;
    case IJ_WIRE_HEADER:
        put_header(writer, &frame->header);
        return;
    case IJ_WIRE_GO:
    case IJ_WIRE_STOP:
        return;
    case IJ_WIRE_RESULT:
        put_result(writer, &frame->result);
        return;
    case IJ_WIRE_PROGRESS:
        put_progress(writer, &frame->progress);
        return;
    }
    writer->failed = true;
}

size_t ij_wire_encode(const struct ij_wire_frame *frame, void *out, size_t size)
{
    struct writer writer = { .data = out, .size = size };
    put_u32(&writer, WIRE_MAGIC);
    put_u32(&writer, frame->type);
    put_u32(&writer, 0); /* the length, known at the end */
    put_frame(&writer, frame);
    if (writer.failed || writer.len > IJ_WIRE_FRAME_MAX)
        return 0;
    uint32_t rest = (uint32_t)(writer.len - WIRE_HEAD_SIZE);
    memcpy(writer.data + WIRE_HEAD_SIZE - sizeof(rest), &rest, sizeof(rest));
    return writer.len;
}

/* ---- reading ---- */

struct reader {
    const char *data;
    size_t len, at;
    const char *wrong; /* the first member that was; NULL = none so far */
};

static void fail(struct reader *reader, const char *what)
{
    if (!reader->wrong)
        reader->wrong = what;
}

/* @return the bytes, or NULL when there are fewer */
static const char *take(struct reader *reader, size_t len, const char *what)
{
    if (reader->wrong || len > reader->len - reader->at) {
        fail(reader, what);
        return NULL;
    }
    const char *from = reader->data + reader->at;
    reader->at += len;
    return from;
}

static uint32_t take_u32(struct reader *reader, uint32_t min, uint32_t max,
                         const char *what)
{
    uint32_t value = 0;
    const char *from = take(reader, sizeof(value), what);
    if (!from)
        return 0;
    memcpy(&value, from, sizeof(value));
    if (value < min || value > max) {
        fail(reader, what);
        return 0;
    }
    return value;
}

static uint64_t take_u64(struct reader *reader, const char *what)
{
    uint64_t value = 0;
    const char *from = take(reader, sizeof(value), what);
    if (from)
        memcpy(&value, from, sizeof(value));
    return value;
}

static bool take_bool(struct reader *reader, const char *what)
{
    return take_u32(reader, 0, 1, what) == 1;
}

/* Into a field of `size` bytes, terminated. */
static void take_text(struct reader *reader, char *out, size_t size, const char *what)
{
    uint32_t len = take_u32(reader, 0, (uint32_t)size - 1, what);
    const char *from = take(reader, len, what);
    if (!from)
        return;
    if (memchr(from, '\0', len)) {
        fail(reader, what);
        return;
    }
    memcpy(out, from, len);
    out[len] = '\0';
}

static void take_limits(struct reader *reader, struct imgjob_limits *limits)
{
    limits->size = sizeof(*limits);
    limits->max_upload_size = take_u64(reader, "max_upload_size");
    limits->max_output_size = take_u64(reader, "max_output_size");
    limits->max_pixels = take_u64(reader, "max_pixels");
    limits->max_progressive_pixels = take_u64(reader, "max_progressive_pixels");
    limits->max_side = take_u32(reader, 1, UINT32_MAX, "max_side");
    limits->max_pages = take_u32(reader, 1, UINT32_MAX, "max_pages");
    limits->extra_formats = take_u32(reader, 0, UINT32_MAX, "extra_formats");
}

static void take_job(struct reader *reader, struct ij_wire_job *job)
{
    take_limits(reader, &job->limits);
    job->safe_shrink = take_bool(reader, "safe_shrink");
    job->input_count = take_u32(reader, 1, IJ_SPEC_INPUTS_MAX, "input count");
    for (size_t i = 0; i < job->input_count; i++)
        job->input_lens[i] = take_u64(reader, "input length");
    job->spec_len = take_u32(reader, 1, IJ_SPEC_TEXT_MAX, "spec length");
    job->spec = take(reader, job->spec_len, "spec");
}

static void take_header(struct reader *reader, struct ij_image_header *header)
{
    header->format =
        take_u32(reader, IMGJOB_FORMAT_JPEG, IMGJOB_FORMAT_JP2, "input format");
    header->width = take_u32(reader, 1, INT32_MAX, "input width");
    header->height = take_u32(reader, 1, INT32_MAX, "input height");
    header->pages = take_u32(reader, 1, INT32_MAX, "pages");
    header->bands = take_u32(reader, 1, INT32_MAX, "bands");
    header->bits = take_u32(reader, 1, 128, "bits");
    header->orientation = take_u32(reader, 1, 8, "orientation");
    header->has_alpha = take_bool(reader, "has_alpha");
    header->has_profile = take_bool(reader, "has_profile");
    header->progressive = take_bool(reader, "progressive");
    take_text(reader, header->loader, sizeof(header->loader), "loader");
}

/* What a worker may say of a job: not what only the pool or the store can know. */
static bool is_workers_reason(uint32_t reason)
{
    switch (reason) {
    case IJ_REASON_FORMAT:
    case IJ_REASON_TRUNCATED:
    case IJ_REASON_CORRUPT:
    case IJ_REASON_TOO_LARGE:
    case IJ_REASON_SPEC:
    case IJ_REASON_STEP:
    case IJ_REASON_ENCODE:
    case IJ_REASON_OUTPUT_LIMIT:
    case IJ_REASON_MEMORY:
    case IJ_REASON_BLOB:
    case IJ_REASON_INTERNAL:
        return true;
    default:
        return false;
    }
}

static void take_failure(struct reader *reader, struct ij_failure *failure)
{
    uint32_t code = take_u32(reader, 0, UINT32_MAX, "error code");
    failure->error.code = (int32_t)code;
    if (!ij_code_valid(failure->error.code))
        fail(reader, "error code");
    take_text(reader, failure->error.text, sizeof(failure->error.text), "error text");
    failure->stage = take_u32(reader, IJ_STAGE_NONE, IJ_STAGE_ENCODE, "stage");
    failure->reason = take_u32(reader, 0, IJ_REASON_COUNT - 1, "reason");
    if (!is_workers_reason(failure->reason))
        fail(reader, "reason");
    failure->value = (int64_t)take_u64(reader, "value");
    failure->limit_value = (int64_t)take_u64(reader, "limit value");
    take_text(reader, failure->limit, sizeof(failure->limit), "limit");
    take_text(reader, failure->setting, sizeof(failure->setting), "setting");
    take_text(reader, failure->loader, sizeof(failure->loader), "loader");
    take_text(reader, failure->library_text, sizeof(failure->library_text),
              "library text");
}

static void take_output(struct reader *reader, struct ij_image_output *output)
{
    output->format =
        take_u32(reader, IMGJOB_FORMAT_JPEG, IMGJOB_FORMAT_JP2, "output format");
    output->width = take_u32(reader, 1, INT32_MAX, "output width");
    output->height = take_u32(reader, 1, INT32_MAX, "output height");
    output->pages = take_u32(reader, 1, IJ_SPEC_PAGES_MAX, "output pages");
    output->len = take_u64(reader, "output length");
    output->encodes = take_u32(reader, 0, IJ_WIRE_ENCODES_MAX, "encodes");
    output->quality = take_u32(reader, 0, 100, "quality");
    output->colors = take_u32(reader, 0, 256, "colors");
    output->ssim_millis = take_u32(reader, 0, 1000, "likeness");
    output->is_over_budget = take_bool(reader, "is_over_budget");
}

static void take_result(struct reader *reader, struct ij_wire_result *result)
{
    result->timings.decode_ms = take_u32(reader, 0, UINT32_MAX, "decode time");
    result->timings.process_ms = take_u32(reader, 0, UINT32_MAX, "process time");
    result->timings.encode_ms = take_u32(reader, 0, UINT32_MAX, "encode time");
    if (!take_bool(reader, "outcome")) {
        take_failure(reader, &result->failure);
        return;
    }
    result->output_count = take_u32(reader, 0, IJ_SPEC_OUTPUTS_MAX, "output count");
    for (size_t i = 0; i < result->output_count; i++)
        take_output(reader, &result->outputs[i]);
    result->info_len = take_u32(reader, 0, IJ_IMAGE_INFO_MAX, "info length");
    result->info = take(reader, result->info_len, "info");
}

static void take_progress(struct reader *reader, struct ij_progress *progress)
{
    progress->percent = take_u32(reader, 0, IJ_WIRE_PERCENT_MAX, "progress");
    progress->stage = take_u32(reader, IJ_STAGE_LOAD, IJ_STAGE_ENCODE, "stage");
    progress->output = take_u32(reader, 0, IJ_SPEC_OUTPUTS_MAX - 1, "output");
}

static void take_frame(struct reader *reader, struct ij_wire_frame *frame)
{
    switch (frame->type) {
    case IJ_WIRE_HELLO:
        take_text(reader, frame->hello.build, sizeof(frame->hello.build), "build");
        frame->hello.pid = (int32_t)take_u32(reader, 1, INT32_MAX, "pid");
        frame->hello.op_count =
            take_u32(reader, 0, IJ_WIRE_OPS_MAX, "number of operations");
        frame->hello.op_hash = take_u64(reader, "hash of operations");
        return;
    case IJ_WIRE_JOB:
        take_job(reader, &frame->job);
        return;
    case IJ_WIRE_HEADER:
        take_header(reader, &frame->header);
        return;
    case IJ_WIRE_GO:
    case IJ_WIRE_STOP:
        return;
    case IJ_WIRE_RESULT:
        take_result(reader, &frame->result);
        return;
    case IJ_WIRE_PROGRESS:
        take_progress(reader, &frame->progress);
        return;
    }
}

int ij_wire_decode(const void *data, size_t len, struct ij_wire_frame *out,
                   struct imgjob_error *err)
{
    struct reader reader = { .data = data, .len = len };
    struct ij_wire_frame frame;
    memset(&frame, 0, sizeof(frame));
    if (len > IJ_WIRE_FRAME_MAX)
        fail(&reader, "size");
    (void)take_u32(&reader, WIRE_MAGIC, WIRE_MAGIC, "magic"); /* the check is the use */
    frame.type = take_u32(&reader, IJ_WIRE_HELLO, IJ_WIRE_PROGRESS, "type");
    uint32_t rest = take_u32(&reader, 0, IJ_WIRE_FRAME_MAX, "length");
    if (!reader.wrong && rest != len - WIRE_HEAD_SIZE)
        fail(&reader, "length");
    if (!reader.wrong)
        take_frame(&reader, &frame);
    if (!reader.wrong && reader.at != len)
        fail(&reader, "length");
    if (reader.wrong)
        return ij_fail(err, IMGJOB_E_INTERNAL, "bad %s in a frame of %zu bytes, type %u",
                       reader.wrong, len, (unsigned)frame.type);
    *out = frame;
    return 0;
}
