/* Sleeping until something happens to a job, and threads. */
#include "test.h"

#include <signal.h>

#include "base/clock.h"
#include "base/thread.h"
#include "base/wake.h"

enum { LONG_MS = 60000 };

static struct ij_wake wake;

static int wake_up(void **state)
{
    (void)state;
    return ij_wake_init(&wake, NULL);
}

static int wake_down(void **state)
{
    (void)state;
    ij_wake_done(&wake);
    return 0;
}

/* Keys that differ in `number` but share a bucket. */
static struct ij_id key_of(uint8_t number)
{
    return (struct ij_id){ .bytes = { [0] = number, [15] = 9 } };
}

static void add(struct ij_waiter *waiter, uint8_t number)
{
    struct ij_id key = key_of(number);
    expect_code(0, ij_wake_add(&wake, waiter, &key, &test_err));
}

static bool sleep_long(struct ij_waiter *waiter)
{
    return ij_wake_sleep(&wake, waiter, ij_mono_ms(&ij_clock_system) + LONG_MS);
}

/* Whether it was woken, without sleeping. */
static bool look(struct ij_waiter *waiter)
{
    return ij_wake_sleep(&wake, waiter, 0);
}

static void everybody_is_woken_whatever_for(void **state)
{
    (void)state;
    struct ij_waiter one, two;
    add(&one, 1);
    add(&two, 2);
    ij_wake_all(&wake);
    assert_true(sleep_long(&one));
    assert_true(sleep_long(&two));
    assert_false(look(&one)); /* and sleeps again */
    ij_wake_remove(&wake, &one);
    ij_wake_remove(&wake, &two);
}

static void a_change_between_look_and_sleep_is_not_missed(void **state)
{
    (void)state;
    struct ij_waiter waiter;
    struct ij_id key = key_of(1);
    add(&waiter, 1);
    ij_wake_all_of(&wake, &key);
    assert_true(sleep_long(&waiter));
    assert_false(look(&waiter)); /* one wake-up, one sleep */
    ij_wake_remove(&wake, &waiter);
}

static void only_sleepers_of_that_job_are_woken(void **state)
{
    (void)state;
    struct ij_waiter first, other, second;
    struct ij_id key = key_of(1);
    add(&first, 1);
    add(&other, 2);
    add(&second, 1);
    ij_wake_all_of(&wake, &key);
    assert_true(look(&first));
    assert_false(look(&other));
    assert_true(look(&second));
    ij_wake_remove(&wake, &other);
    ij_wake_all_of(&wake, &key); /* the list holds without its middle */
    assert_true(look(&first));
    assert_true(look(&second));
    ij_wake_remove(&wake, &second);
    ij_wake_remove(&wake, &first);
    ij_wake_all_of(&wake, &key);
}

static void one_wake_up_goes_to_one_that_still_sleeps(void **state)
{
    (void)state;
    struct ij_waiter waiters[2];
    struct ij_id key = key_of(1);
    add(&waiters[0], 1);
    add(&waiters[1], 1);
    ij_wake_one_of(&wake, &key);
    ij_wake_one_of(&wake, &key);
    ij_wake_one_of(&wake, &key); /* nobody is left */
    assert_true(look(&waiters[0]));
    assert_true(look(&waiters[1]));
    ij_wake_one_of(&wake, &key);
    assert_int_equal(look(&waiters[0]) + look(&waiters[1]), 1);
    ij_wake_remove(&wake, &waiters[0]);
    ij_wake_remove(&wake, &waiters[1]);
}

static void after_the_end_no_sleep_lasts(void **state)
{
    (void)state;
    struct ij_waiter before, after;
    add(&before, 1);
    ij_wake_end(&wake);
    assert_false(sleep_long(&before));
    add(&after, 2);
    assert_false(sleep_long(&after));
    ij_wake_remove(&wake, &before);
    ij_wake_remove(&wake, &after);
}

static void *wake_job_1(void *data)
{
    (void)data;
    struct ij_id key = key_of(1);
    ij_wake_all_of(&wake, &key);
    return NULL;
}

static void another_thread_wakes_a_sleeper(void **state)
{
    (void)state;
    struct ij_waiter waiter;
    pthread_t thread;
    add(&waiter, 1);
    expect_code(0, ij_thread_start(&thread, "waker", wake_job_1, NULL, &test_err));
    assert_true(sleep_long(&waiter));
    assert_int_equal(pthread_join(thread, NULL), 0);
    ij_wake_remove(&wake, &waiter);
}

static void *blocked_signals(void *data)
{
    (void)pthread_sigmask(SIG_SETMASK, NULL, data);
    return NULL;
}

static void threads_leave_signals_to_the_program(void **state)
{
    (void)state;
    sigset_t in_thread, here;
    pthread_t thread;
    expect_code(
        0, ij_thread_start(&thread, "blocked", blocked_signals, &in_thread, &test_err));
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(sigismember(&in_thread, SIGTERM), 1);
    assert_int_equal(sigismember(&in_thread, SIGCHLD), 1);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &here);
    assert_int_equal(sigismember(&here, SIGTERM), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_change_between_look_and_sleep_is_not_missed,
                                        wake_up, wake_down),
        cmocka_unit_test_setup_teardown(only_sleepers_of_that_job_are_woken, wake_up,
                                        wake_down),
        cmocka_unit_test_setup_teardown(one_wake_up_goes_to_one_that_still_sleeps,
                                        wake_up, wake_down),
        cmocka_unit_test_setup_teardown(everybody_is_woken_whatever_for, wake_up,
                                        wake_down),
        cmocka_unit_test_setup_teardown(after_the_end_no_sleep_lasts, wake_up, wake_down),
        cmocka_unit_test_setup_teardown(another_thread_wakes_a_sleeper, wake_up,
                                        wake_down),
        cmocka_unit_test(threads_leave_signals_to_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
