/* Frames: every one survives the way there and back, and no bytes do harm. */
#include "pool/wire.h"
#include "test.h"

static struct ij_wire_frame hello(void)
{
    struct ij_wire_frame frame = { .type = IJ_WIRE_HELLO };
    expect_code(0, ij_wire_hello_fill(&frame.hello, &ij_image_ops, &test_err));
    frame.hello.pid = 4711;
    return frame;
}

static struct ij_wire_frame job(void)
{
    static const char spec[] = "{\"operation\":\"resize\",\"width\":1,\"height\":1}";
    return (struct ij_wire_frame){
        .type = IJ_WIRE_JOB,
        .job = { .limits = { .max_upload_size = 1,
                             .max_output_size = UINT64_MAX,
                             .max_pixels = 3,
                             .max_progressive_pixels = 4,
                             .max_side = 5,
                             .max_pages = 6,
                             .extra_formats = 0x700 },
                 .safe_shrink = true,
                 .input_lens = { 7, UINT64_MAX },
                 .input_count = 2,
                 .spec = spec,
                 .spec_len = sizeof(spec) - 1 },
    };
}

static struct ij_wire_frame header(void)
{
    return (struct ij_wire_frame){
        .type = IJ_WIRE_HEADER,
        .header = { .format = IMGJOB_FORMAT_HEIC,
                    .width = 1,
                    .height = INT32_MAX,
                    .pages = 2,
                    .bands = 4,
                    .bits = 16,
                    .orientation = 8,
                    .has_alpha = true,
                    .progressive = true,
                    .loader = "heifload_buffer" },
    };
}

static struct ij_wire_frame success(void)
{
    return (struct ij_wire_frame){
        .type = IJ_WIRE_RESULT,
        .result = { .timings = { 1, 2, 3 },
                    .output_count = 2,
                    .outputs = { { .format = IMGJOB_FORMAT_WEBP,
                                   .width = 10,
                                   .height = 20,
                                   .pages = 1,
                                   .len = UINT64_MAX },
                                 { .format = IMGJOB_FORMAT_GIF,
                                   .width = 30,
                                   .height = 40,
                                   .pages = IJ_SPEC_PAGES_MAX,
                                   .len = 5,
                                   .encodes = 6,
                                   .quality = 100,
                                   .colors = 256,
                                   .ssim_millis = 1000,
                                   .is_over_budget = true } },
                    .info = "{\"pages\":1}",
                    .info_len = 11 },
    };
}

/* A report, and nothing else. */
static struct ij_wire_frame report(void)
{
    struct ij_wire_frame frame = success();
    frame.result.output_count = 0;
    return frame;
}

/* As many outputs as a job can have, each with all that can be said of one, and the
 * longest report. */
static struct ij_wire_frame full_success(void)
{
    static const char info[IJ_IMAGE_INFO_MAX];
    struct ij_wire_frame frame = success();
    frame.result.output_count = IJ_SPEC_OUTPUTS_MAX;
    frame.result.info = info;
    frame.result.info_len = sizeof(info);
    for (size_t i = 0; i < IJ_SPEC_OUTPUTS_MAX; i++) {
        frame.result.outputs[i] = success().result.outputs[1];
        frame.result.outputs[i].width = (uint32_t)i + 1;
    }
    return frame;
}

static struct ij_wire_frame failure(void)
{
    struct ij_wire_frame frame = {
        .type = IJ_WIRE_RESULT,
        .result = { .timings = { 1, 2, 3 },
                    .failure = { .loader = "pngload_buffer", .library_text = "chunk" } },
    };
    (void)ij_failure_set_limit(&frame.result.failure, IJ_STAGE_LOAD, "pixels", 1LL << 40,
                               50000000, "max_pixels");
    return frame;
}

static struct ij_wire_frame go(void)
{
    return (struct ij_wire_frame){ .type = IJ_WIRE_GO };
}

static struct ij_wire_frame stop(void)
{
    return (struct ij_wire_frame){ .type = IJ_WIRE_STOP };
}

static struct ij_wire_frame progress(void)
{
    return (struct ij_wire_frame){
        .type = IJ_WIRE_PROGRESS,
        .progress = { IJ_WIRE_PERCENT_MAX, IJ_STAGE_ENCODE, IJ_SPEC_OUTPUTS_MAX - 1 },
    };
}

static struct ij_wire_frame (*const all_frames[])(void) = { hello,   job,    header,
                                                            success, report, failure,
                                                            go,      stop,   progress };

/* The bytes of a frame in memory of exactly their length, so that a sanitizer or valgrind
 * sees the first read behind them. */
struct packet {
    uint8_t *bytes;
    size_t len;
};

static struct packet packet_of(const struct ij_wire_frame *frame)
{
    static uint8_t buffer[IJ_WIRE_FRAME_MAX];
    struct packet packet = { .len = ij_wire_encode(frame, buffer, sizeof(buffer)) };
    assert_true(packet.len > 0);
    packet.bytes = malloc(packet.len);
    assert_non_null(packet.bytes);
    memcpy(packet.bytes, buffer, packet.len);
    return packet;
}

static struct ij_wire_frame there_and_back(struct ij_wire_frame frame)
{
    struct packet packet = packet_of(&frame);
    struct ij_wire_frame back;
    expect_code(0, ij_wire_decode(packet.bytes, packet.len, &back, &test_err));
    assert_int_equal(back.type, frame.type);
    if (back.type == IJ_WIRE_JOB) { /* borrowed from the packet */
        assert_int_equal(back.job.spec_len, frame.job.spec_len);
        assert_memory_equal(back.job.spec, frame.job.spec, frame.job.spec_len);
        back.job.spec = frame.job.spec;
    }
    if (back.type == IJ_WIRE_RESULT && frame.result.failure.error.code == 0) {
        assert_int_equal(back.result.info_len, frame.result.info_len);
        assert_memory_equal(back.result.info, frame.result.info, frame.result.info_len);
        back.result.info = frame.result.info;
    }
    free(packet.bytes);
    return back;
}

static void hello_arrives_as_it_was_sent(void **state)
{
    (void)state;
    struct ij_wire_frame frame = there_and_back(hello());
    assert_string_equal(frame.hello.build, hello().hello.build);
    assert_int_equal(frame.hello.pid, 4711);
    assert_int_equal(frame.hello.op_count, ij_image_ops.count);
    assert_int_equal(frame.hello.op_hash, hello().hello.op_hash);
}

static void a_job_arrives_as_it_was_sent(void **state)
{
    (void)state;
    struct ij_wire_job got = there_and_back(job()).job;
    struct imgjob_limits sent = job().job.limits;
    assert_int_equal(got.limits.size, sizeof(got.limits));
    assert_int_equal(got.limits.max_upload_size, sent.max_upload_size);
    assert_int_equal(got.limits.max_output_size, sent.max_output_size);
    assert_int_equal(got.limits.max_pixels, sent.max_pixels);
    assert_int_equal(got.limits.max_progressive_pixels, sent.max_progressive_pixels);
    assert_int_equal(got.limits.max_side, sent.max_side);
    assert_int_equal(got.limits.max_pages, sent.max_pages);
    assert_int_equal(got.limits.extra_formats, sent.extra_formats);
    assert_true(got.safe_shrink);
    assert_int_equal(got.input_count, 2);
    assert_int_equal(got.input_lens[0], 7);
    assert_int_equal(got.input_lens[1], UINT64_MAX);
}

static void a_header_arrives_as_it_was_sent(void **state)
{
    (void)state;
    struct ij_image_header got = there_and_back(header()).header;
    struct ij_image_header sent = header().header;
    assert_int_equal(got.format, sent.format);
    assert_int_equal(got.width, sent.width);
    assert_int_equal(got.height, sent.height);
    assert_int_equal(got.pages, sent.pages);
    assert_int_equal(got.bands, sent.bands);
    assert_int_equal(got.bits, sent.bits);
    assert_int_equal(got.orientation, sent.orientation);
    assert_true(got.has_alpha && !got.has_profile && got.progressive);
    assert_string_equal(got.loader, sent.loader);
}

static void a_success_arrives_as_it_was_sent(void **state)
{
    (void)state;
    struct ij_wire_result got = there_and_back(success()).result;
    assert_int_equal(got.failure.error.code, 0);
    assert_int_equal(got.timings.decode_ms, 1);
    assert_int_equal(got.timings.process_ms, 2);
    assert_int_equal(got.timings.encode_ms, 3);
    assert_int_equal(got.output_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct ij_image_output *output = &got.outputs[i];
        struct ij_image_output sent = success().result.outputs[i];
        assert_int_equal(output->format, sent.format);
        assert_int_equal(output->width, sent.width);
        assert_int_equal(output->height, sent.height);
        assert_int_equal(output->pages, sent.pages);
        assert_int_equal(output->len, sent.len);
        assert_int_equal(output->encodes, sent.encodes);
        assert_int_equal(output->quality, sent.quality);
        assert_int_equal(output->colors, sent.colors);
        assert_int_equal(output->ssim_millis, sent.ssim_millis);
        assert_int_equal(output->is_over_budget, sent.is_over_budget);
    }
}

static void the_most_outputs_arrive_in_their_order(void **state)
{
    (void)state;
    struct ij_wire_result got = there_and_back(full_success()).result;
    assert_int_equal(got.output_count, IJ_SPEC_OUTPUTS_MAX);
    for (size_t i = 0; i < IJ_SPEC_OUTPUTS_MAX; i++)
        assert_int_equal(got.outputs[i].width, i + 1);
}

static void a_report_needs_no_outputs(void **state)
{
    (void)state;
    struct ij_wire_result got = there_and_back(report()).result;
    assert_int_equal(got.failure.error.code, 0);
    assert_int_equal(got.output_count, 0);
    assert_int_equal(got.info_len, 11);
}

static void a_failure_arrives_as_it_was_sent(void **state)
{
    (void)state;
    struct ij_failure got = there_and_back(failure()).result.failure;
    assert_int_equal(got.error.code, IMGJOB_E_LIMIT);
    assert_string_equal(got.error.text, failure().result.failure.error.text);
    assert_int_equal(got.stage, IJ_STAGE_LOAD);
    assert_int_equal(got.reason, IJ_REASON_TOO_LARGE);
    assert_int_equal(got.value, 1LL << 40);
    assert_int_equal(got.limit_value, 50000000);
    assert_string_equal(got.limit, "pixels");
    assert_string_equal(got.setting, "max_pixels");
    assert_string_equal(got.loader, "pngload_buffer");
    assert_string_equal(got.library_text, "chunk");
}

static void go_and_stop_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(there_and_back(go()).type, IJ_WIRE_GO);
    assert_int_equal(there_and_back(stop()).type, IJ_WIRE_STOP);
}

static void progress_arrives_as_it_was_sent(void **state)
{
    (void)state;
    struct ij_progress got = there_and_back(progress()).progress;
    assert_int_equal(got.percent, IJ_WIRE_PERCENT_MAX);
    assert_int_equal(got.stage, IJ_STAGE_ENCODE);
    assert_int_equal(got.output, IJ_SPEC_OUTPUTS_MAX - 1);
    struct ij_wire_frame frame = progress();
    struct packet packet = packet_of(&frame);
    assert_int_equal(packet.len, IJ_WIRE_PROGRESS_SIZE);
    free(packet.bytes);
}

static void what_does_not_fit_is_not_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < IJ_ARRAY_LEN(all_frames); i++) {
        struct ij_wire_frame frame = all_frames[i]();
        struct packet packet = packet_of(&frame);
        for (size_t size = 0; size < packet.len; size++) {
            uint8_t *small = malloc(size + 1); /* never of 0 bytes */
            assert_non_null(small);
            small[size] = 0xaa;
            assert_int_equal(ij_wire_encode(&frame, small, size), 0);
            assert_int_equal(small[size], 0xaa);
            free(small);
        }
        free(packet.bytes);
    }
}

static void a_reply_always_fits_its_buffer(void **state)
{
    (void)state;
    uint8_t buffer[IJ_WIRE_REPLY_MAX];
    struct ij_wire_frame frame = failure();
    struct ij_failure *longest = &frame.result.failure;
    memset(longest->error.text, 'x', sizeof(longest->error.text) - 1);
    memset(longest->limit, 'x', sizeof(longest->limit) - 1);
    memset(longest->setting, 'x', sizeof(longest->setting) - 1);
    memset(longest->loader, 'x', sizeof(longest->loader) - 1);
    memset(longest->library_text, 'x', sizeof(longest->library_text) - 1);
    assert_true(ij_wire_encode(&frame, buffer, sizeof(buffer)) > 0);
    frame = full_success();
    assert_true(ij_wire_encode(&frame, buffer, sizeof(buffer)) > 0);
}

static void the_largest_spec_fits_and_a_larger_one_does_not(void **state)
{
    (void)state;
    static char spec[IJ_SPEC_TEXT_MAX + 512];
    static uint8_t buffer[2 * IJ_WIRE_FRAME_MAX];
    memset(spec, 'x', sizeof(spec));
    struct ij_wire_frame frame = job();
    frame.job.spec = spec;
    frame.job.spec_len = IJ_SPEC_TEXT_MAX;
    (void)there_and_back(frame);
    frame.job.spec_len = sizeof(spec);
    assert_int_equal(ij_wire_encode(&frame, buffer, sizeof(buffer)), 0);
}

static void a_frame_cut_off_anywhere_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < IJ_ARRAY_LEN(all_frames); i++) {
        struct ij_wire_frame frame = all_frames[i](), out;
        struct packet packet = packet_of(&frame);
        for (size_t len = 0; len < packet.len; len++) {
            uint8_t *cut = malloc(len + 1);
            assert_non_null(cut);
            memcpy(cut + 1, packet.bytes, len); /* ends where the memory ends */
            expect_code(IMGJOB_E_INTERNAL, ij_wire_decode(cut + 1, len, &out, &test_err));
            expect_words("bad ");
            free(cut);
        }
        free(packet.bytes);
    }
}

static void a_failure_whose_code_is_none_is_refused(void **state)
{
    (void)state;
    for (int code = IMGJOB_E_INVALID; strcmp(imgjob_code_name(code), "unknown") != 0;
         code--) {
        struct ij_wire_frame frame = failure();
        frame.result.failure.error.code = code;
        (void)there_and_back(frame);
    }
    static const int none[] = { 1, IMGJOB_E_FULL - 1, INT32_MIN, INT32_MAX };
    for (size_t i = 0; i < IJ_ARRAY_LEN(none); i++) {
        struct ij_wire_frame frame = failure(), out;
        frame.result.failure.error.code = none[i];
        struct packet packet = packet_of(&frame);
        expect_code(IMGJOB_E_INTERNAL,
                    ij_wire_decode(packet.bytes, packet.len, &out, &test_err));
        expect_words("bad error code");
        free(packet.bytes);
    }
}

static void a_frame_with_more_behind_it_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < IJ_ARRAY_LEN(all_frames); i++) {
        struct ij_wire_frame frame = all_frames[i](), out;
        uint8_t buffer[IJ_WIRE_REPLY_MAX] = { 0 };
        size_t len = ij_wire_encode(&frame, buffer, sizeof(buffer));
        expect_code(IMGJOB_E_INTERNAL, ij_wire_decode(buffer, len + 1, &out, &test_err));
        expect_words("bad length");
    }
}

static void check_output(const struct ij_image_output *output)
{
    assert_in_range(output->format, IMGJOB_FORMAT_JPEG, IMGJOB_FORMAT_JP2);
    assert_in_range(output->pages, 1, IJ_SPEC_PAGES_MAX);
    assert_in_range(output->encodes, 0, IJ_WIRE_ENCODES_MAX);
    assert_in_range(output->quality, 0, 100);
    assert_in_range(output->colors, 0, 256);
    assert_in_range(output->ssim_millis, 0, 1000);
}

/* Whatever was read from hostile bytes must keep what wire.h promises. */
static void check_promises(const struct ij_wire_frame *frame)
{
    const struct ij_wire_result *result = &frame->result;
    switch (frame->type) {
    case IJ_WIRE_HELLO:
        assert_non_null(memchr(frame->hello.build, '\0', IJ_WIRE_BUILD_SIZE));
        break;
    case IJ_WIRE_JOB:
        assert_in_range(frame->job.spec_len, 1, IJ_SPEC_TEXT_MAX);
        assert_in_range(frame->job.input_count, 1, IJ_SPEC_INPUTS_MAX);
        break;
    case IJ_WIRE_HEADER:
        assert_in_range(frame->header.format, IMGJOB_FORMAT_JPEG, IMGJOB_FORMAT_JP2);
        assert_non_null(memchr(frame->header.loader, '\0', sizeof(frame->header.loader)));
        break;
    case IJ_WIRE_RESULT:
        if (result->failure.error.code == 0)
            assert_in_range(result->output_count, 0, IJ_SPEC_OUTPUTS_MAX);
        assert_in_range(result->info_len, 0, IJ_IMAGE_INFO_MAX);
        for (size_t i = 0; result->failure.error.code == 0 && i < result->output_count;
             i++)
            check_output(&result->outputs[i]);
        assert_true(result->failure.error.code <= 0);
        assert_true((unsigned)result->failure.stage < IJ_STAGE_COUNT);
        assert_true((unsigned)result->failure.reason < IJ_REASON_COUNT);
        break;
    case IJ_WIRE_PROGRESS:
        assert_in_range(frame->progress.percent, 0, IJ_WIRE_PERCENT_MAX);
        assert_in_range(frame->progress.stage, IJ_STAGE_LOAD, IJ_STAGE_ENCODE);
        assert_in_range(frame->progress.output, 0, IJ_SPEC_OUTPUTS_MAX - 1);
        break;
    case IJ_WIRE_GO:
    case IJ_WIRE_STOP:
        break;
    }
}

static void no_flipped_byte_breaks_a_promise(void **state)
{
    (void)state;
    for (size_t i = 0; i < IJ_ARRAY_LEN(all_frames); i++) {
        struct ij_wire_frame frame = all_frames[i](), out;
        struct packet packet = packet_of(&frame);
        for (size_t at = 0; at < packet.len; at++) {
            uint8_t before = packet.bytes[at];
            for (int value = 0; value < 256; value++) {
                packet.bytes[at] = (uint8_t)value;
                if (ij_wire_decode(packet.bytes, packet.len, &out, NULL) == 0)
                    check_promises(&out);
            }
            packet.bytes[at] = before;
        }
        free(packet.bytes);
    }
}

/* Encode a changed frame and look at what the reader says. */
static void expect_refused(const struct ij_wire_frame *frame, const char *words)
{
    struct packet packet = packet_of(frame);
    struct ij_wire_frame out;
    expect_code(IMGJOB_E_INTERNAL,
                ij_wire_decode(packet.bytes, packet.len, &out, &test_err));
    expect_words(words);
    free(packet.bytes);
}

static void numbers_out_of_range_are_refused_by_name(void **state)
{
    (void)state;
    struct ij_wire_frame frame = header();
    frame.header.format = IMGJOB_FORMAT_JP2 + 1;
    expect_refused(&frame, "bad input format in a frame of ");
    frame = header();
    frame.header.width = 0;
    expect_refused(&frame, "bad input width");
    frame = header();
    frame.header.orientation = 9;
    expect_refused(&frame, "bad orientation");
    frame = success();
    frame.result.outputs[0].format = IMGJOB_FORMAT_NONE;
    expect_refused(&frame, "bad output format");
    frame = success();
    frame.result.output_count = IJ_SPEC_OUTPUTS_MAX + 1;
    expect_refused(&frame, "bad output count");
    frame = failure();
    frame.result.failure.error.code = 5;
    expect_refused(&frame, "bad error code");
    frame = job();
    frame.job.spec_len = 0;
    expect_refused(&frame, "bad spec length");
    frame = progress();
    frame.progress.percent = IJ_WIRE_PERCENT_MAX + 1;
    expect_refused(&frame, "bad progress");
    frame = progress();
    frame.progress.stage = IJ_STAGE_PUBLISH;
    expect_refused(&frame, "bad stage");
    frame = progress();
    frame.progress.output = IJ_SPEC_OUTPUTS_MAX;
    expect_refused(&frame, "bad output");
}

static void numbers_of_an_output_out_of_range_are_refused(void **state)
{
    (void)state;
    struct ij_wire_frame frame = success();
    struct ij_image_output *output = &frame.result.outputs[1], good = *output;
    output->pages = 0;
    expect_refused(&frame, "bad output pages");
    output->pages = IJ_SPEC_PAGES_MAX + 1;
    expect_refused(&frame, "bad output pages");
    *output = good;
    output->encodes = IJ_WIRE_ENCODES_MAX + 1;
    expect_refused(&frame, "bad encodes");
    *output = good;
    output->quality = 101;
    expect_refused(&frame, "bad quality");
    *output = good;
    output->colors = 257;
    expect_refused(&frame, "bad colors");
    *output = good;
    output->ssim_millis = 1001;
    expect_refused(&frame, "bad likeness");
}

static void a_worker_cannot_claim_what_only_the_store_knows(void **state)
{
    (void)state;
    static const enum ij_reason reserved[] = { IJ_REASON_NONE,     IJ_REASON_TIMEOUT,
                                               IJ_REASON_DEADLINE, IJ_REASON_POISON,
                                               IJ_REASON_LOST,     IJ_REASON_STORE };
    for (size_t i = 0; i < IJ_ARRAY_LEN(reserved); i++) {
        struct ij_wire_frame frame = failure();
        frame.result.failure.reason = reserved[i];
        expect_refused(&frame, "bad reason");
    }
}

static void a_zero_byte_in_a_text_is_refused(void **state)
{
    (void)state;
    struct ij_wire_frame frame = failure(), out;
    struct packet packet = packet_of(&frame);
    uint8_t *word = memmem(packet.bytes, packet.len, "chunk", 5);
    assert_non_null(word);
    word[2] = '\0';
    expect_code(IMGJOB_E_INTERNAL,
                ij_wire_decode(packet.bytes, packet.len, &out, &test_err));
    expect_words("bad library text");
    free(packet.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_arrives_as_it_was_sent),
        cmocka_unit_test(a_job_arrives_as_it_was_sent),
        cmocka_unit_test(a_header_arrives_as_it_was_sent),
        cmocka_unit_test(a_success_arrives_as_it_was_sent),
        cmocka_unit_test(the_most_outputs_arrive_in_their_order),
        cmocka_unit_test(a_report_needs_no_outputs),
        cmocka_unit_test(a_failure_arrives_as_it_was_sent),
        cmocka_unit_test(go_and_stop_are_told_apart),
        cmocka_unit_test(progress_arrives_as_it_was_sent),
        cmocka_unit_test(what_does_not_fit_is_not_written),
        cmocka_unit_test(a_reply_always_fits_its_buffer),
        cmocka_unit_test(the_largest_spec_fits_and_a_larger_one_does_not),
        cmocka_unit_test(a_frame_cut_off_anywhere_is_refused),
        cmocka_unit_test(a_failure_whose_code_is_none_is_refused),
        cmocka_unit_test(a_frame_with_more_behind_it_is_refused),
        cmocka_unit_test(no_flipped_byte_breaks_a_promise),
        cmocka_unit_test(numbers_out_of_range_are_refused_by_name),
        cmocka_unit_test(numbers_of_an_output_out_of_range_are_refused),
        cmocka_unit_test(a_worker_cannot_claim_what_only_the_store_knows),
        cmocka_unit_test(a_zero_byte_in_a_text_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
