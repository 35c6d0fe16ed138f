/* Chosen plans are kept, and nothing that happens to their file harms a run. */
#include "tests/support/support.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record/cuda/plan_cache.h"

#define TITLE "# tidy: convolution plans, format 2, of GPU One, sm_80, cuDNN 91900\n"

static char *home;

/* Each test has a home of its own. */
static int make_home(void **state)
{
    (void)state;
    static int homes;
    char name[32];
    snprintf(name, sizeof name, "home%d", homes++);
    home = support_path(support_scratch_folder(), name);
    unsetenv("XDG_CACHE_HOME");
    return mkdir(home, 0700) == 0 && setenv("HOME", home, 1) == 0 ? 0 : -1;
}

static struct plan_cache *create(void)
{
    struct plan_cache *cache;
    assert_int_equal(plan_cache_create(&cache, "GPU One, sm_80", 91900), 0);
    return cache;
}

static struct plan_cache *create_loaded(void)
{
    struct plan_cache *cache = create();
    assert_int_equal(plan_cache_load(cache), 0);
    return cache;
}

/* A cache of one plan, saved and freed. */
static bool save_one(const char *key, const char *plan)
{
    struct plan_cache *cache = create();
    assert_int_equal(plan_cache_put(cache, key, plan), 0);
    bool saved = plan_cache_save(cache);
    plan_cache_destroy(cache);
    return saved;
}

/* The one file below the folder; fails where there is another number of them. */
static char *only_file(const char *folder)
{
    char *path = NULL;
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
        if (entry->d_name[0] != '.') {
            assert_null(path);
            path = support_path(folder, entry->d_name);
        }
    closedir(entries);
    assert_non_null(path);
    return path;
}

static char *cache_file(void)
{
    return only_file(support_path(home, ".cache/tidy"));
}

static void assert_loads(const char *text)
{
    struct plan_cache *cache = create_loaded();
    assert_string_equal(plan_cache_text(cache), text);
    plan_cache_destroy(cache);
}

static void test_text_is_a_title_and_the_plans_sorted_by_key(void **state)
{
    (void)state;
    struct plan_cache *cache = create();
    assert_string_equal(plan_cache_text(cache), TITLE);
    assert_int_equal(plan_cache_put(cache, "forward b", "engine 2"), 0);
    assert_int_equal(plan_cache_put(cache, "forward", "engine 3"), 0);
    assert_int_equal(plan_cache_put(cache, "forward a", "engine 1"), 0);
    assert_int_equal(plan_cache_put(cache, "forward b", "engine 22 knobs 1=2"), 0);
    assert_string_equal(plan_cache_text(cache),
                        TITLE "forward\tengine 3\nforward a\tengine 1\nforward b\tengine 22 knobs 1=2\n");
    assert_string_equal(plan_cache_find(cache, "forward"), "engine 3");
    assert_string_equal(plan_cache_find(cache, "forward b"), "engine 22 knobs 1=2");
    assert_null(plan_cache_find(cache, "forwar"));
    assert_null(plan_cache_find(cache, "forward c"));
    plan_cache_destroy(cache);
}

static void test_text_goes_into_another_cache_of_the_same_format_device_and_version_only(void **state)
{
    (void)state;
    struct plan_cache *cache = create();
    assert_int_equal(plan_cache_add_text(cache, TITLE "a\tengine 1\n"), 0);
    assert_string_equal(plan_cache_find(cache, "a"), "engine 1");
    assert_int_equal(
        plan_cache_add_text(cache,
                            "# tidy: convolution plans, format 2, of GPU One, sm_80, cuDNN 91901\nb\tengine 1\n"),
        0);
    assert_int_equal(
        plan_cache_add_text(cache,
                            "# tidy: convolution plans, format 2, of GPU Two, sm_80, cuDNN 91900\nb\tengine 1\n"),
        0);
    assert_int_equal(
        plan_cache_add_text(cache,
                            "# tidy: convolution plans, format 2, of GPU One, sm_80, cuDNN 919000\nb\tengine 1\n"),
        0);
    assert_int_equal(
        plan_cache_add_text(cache,
                            "# tidy: convolution plans, format 1, of GPU One, sm_80, cuDNN 91900\nb\tengine 1\n"),
        0);
    assert_int_equal(plan_cache_add_text(cache, "b\tengine 1\n"), 0);
    assert_int_equal(plan_cache_add_text(cache, ""), 0);
    assert_string_equal(plan_cache_text(cache), TITLE "a\tengine 1\n");
    plan_cache_destroy(cache);
}

static void test_damaged_lines_are_left_out_and_the_others_kept(void **state)
{
    (void)state;
    struct plan_cache *cache = create();
    assert_int_equal(plan_cache_add_text(cache, TITLE "a\tengine 1\n"
                                                      "no tab\n"
                                                      "\n"
                                                      "\tno key\n"
                                                      "no plan\t\n"
                                                      "two\ttabs\tengine 1\n"
                                                      "unprintable\tengine \x01\n"
                                                      "not ASCII\tengine \xc3\xa4\n"
                                                      "b\tengine 2\n"
                                                      "cut\tengine 1"),
                     0);
    assert_string_equal(plan_cache_text(cache), TITLE "a\tengine 1\nb\tengine 2\n");
    plan_cache_destroy(cache);
}

static void test_saved_plans_are_there_for_the_next_run(void **state)
{
    (void)state;
    assert_loads(TITLE);
    assert_true(save_one("a", "engine 1"));
    assert_loads(TITLE "a\tengine 1\n");
    size_t bytes;
    char *text = support_read_file(cache_file(), &bytes);
    assert_string_equal(text, TITLE "a\tengine 1\n");
    free(text);
}

static void test_saving_keeps_the_files_plans_and_replaces_those_chosen_anew(void **state)
{
    (void)state;
    assert_true(save_one("a", "engine 1"));
    assert_true(save_one("b", "engine 2"));
    assert_true(save_one("a", "engine 3"));
    assert_loads(TITLE "a\tengine 3\nb\tengine 2\n");
}

static void test_another_device_or_version_has_a_file_of_its_own(void **state)
{
    (void)state;
    assert_true(save_one("a", "engine 1"));
    struct plan_cache *other;
    assert_int_equal(plan_cache_create(&other, "GPU One, sm_80", 92000), 0);
    assert_int_equal(plan_cache_load(other), 0);
    assert_null(plan_cache_find(other, "a"));
    assert_int_equal(plan_cache_put(other, "a", "engine 7"), 0);
    assert_true(plan_cache_save(other));
    plan_cache_destroy(other);
    assert_loads(TITLE "a\tengine 1\n");
}

static void test_a_device_name_cannot_lead_out_of_the_folder_or_break_the_title(void **state)
{
    (void)state;
    struct plan_cache *cache;
    assert_int_equal(plan_cache_create(&cache, "../../a/b\nc\td", 1), 0);
    assert_int_equal(plan_cache_put(cache, "a", "engine 1"), 0);
    assert_true(plan_cache_save(cache));
    assert_string_equal(plan_cache_text(cache),
                        "# tidy: convolution plans, format 2, of ../../a/b c d, cuDNN 1\na\tengine 1\n");
    plan_cache_destroy(cache);
    assert_string_equal(strrchr(cache_file(), '/'), "/plans-..-..-a-b-c-d--cuDNN-1.txt");
}

static void test_xdg_cache_home_is_taken_where_it_is_absolute(void **state)
{
    (void)state;
    char *elsewhere = support_path(home, "elsewhere");
    setenv("XDG_CACHE_HOME", elsewhere, 1);
    assert_true(save_one("a", "engine 1"));
    only_file(support_path(elsewhere, "tidy"));
    setenv("XDG_CACHE_HOME", "relative", 1);
    assert_true(save_one("a", "engine 1"));
    cache_file();
}

static void test_without_a_home_a_run_goes_on_without(void **state)
{
    (void)state;
    unsetenv("HOME");
    assert_loads(TITLE);
    assert_false(save_one("a", "engine 1"));
    setenv("HOME", "", 1);
    assert_loads(TITLE);
    assert_false(save_one("a", "engine 1"));
    setenv("HOME", "/nonexistent/home", 1);
    assert_loads(TITLE);
    assert_false(save_one("a", "engine 1"));
}

static void test_a_home_that_cannot_be_written_changes_nothing(void **state)
{
    (void)state;
    /* A file where the folder would be: refuses root too, whom permissions do not stop. */
    support_write_file(support_path(home, ".cache"), "x", 1);
    assert_loads(TITLE);
    assert_false(save_one("a", "engine 1"));
}

static void test_a_full_disk_leaves_the_file_as_it_was_and_nothing_beside(void **state)
{
    (void)state;
    assert_true(save_one("a", "engine 1"));
    struct rlimit old, tight;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    pid_t child = fork();
    if (child == 0) {
        /* Writing more than this fails, as on a full disk. */
        tight = (struct rlimit){16, old.rlim_max};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &tight);
        _exit(save_one("b", "engine 2") ? 1 : 0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_loads(TITLE "a\tengine 1\n");
    cache_file();
}

static void test_a_file_that_is_not_ours_is_replaced(void **state)
{
    (void)state;
    assert_true(save_one("a", "engine 1"));
    char *path = cache_file();
    static const char junk[] = "\0\xff\x7f\n\n\t\t\nsome other file\n";
    support_write_file(path, junk, sizeof junk);
    assert_loads(TITLE);
    assert_true(save_one("b", "engine 2"));
    assert_loads(TITLE "b\tengine 2\n");
    assert_int_equal(truncate(path, 64 << 20), 0);
    assert_loads(TITLE);
}

static void test_a_file_cut_at_any_byte_gives_whole_plans_or_none(void **state)
{
    (void)state;
    static const char whole[] = TITLE "a\tengine 12\nb\tengine 34\n";
    assert_true(save_one("a", "engine 12"));
    char *path = cache_file();
    for (size_t bytes = 0; bytes < sizeof whole; bytes++) {
        support_write_file(path, whole, bytes);
        struct plan_cache *cache = create_loaded();
        const char *a = plan_cache_find(cache, "a"), *b = plan_cache_find(cache, "b");
        assert_true(a == NULL || strcmp(a, "engine 12") == 0);
        assert_true(b == NULL || strcmp(b, "engine 34") == 0);
        assert_int_equal(b != NULL, bytes == sizeof whole - 1);
        plan_cache_destroy(cache);
    }
}

static void test_runs_that_save_at_the_same_time_keep_each_others_plans(void **state)
{
    (void)state;
    enum { RUNS = 8, SAVES = 10 };
    for (int run = 0; run < RUNS; run++)
        if (fork() == 0) {
            bool saved = true;
            for (int i = 0; i < SAVES; i++) {
                char key[32];
                snprintf(key, sizeof key, "run%d.%d", run, i);
                saved = save_one(key, "engine 1") && saved;
            }
            _exit(saved ? 0 : 1);
        }
    /* A reader never sees half a file. */
    for (int i = 0; i < 50; i++)
        plan_cache_destroy(create_loaded());
    for (int run = 0; run < RUNS; run++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    struct plan_cache *cache = create_loaded();
    for (int run = 0; run < RUNS; run++)
        for (int i = 0; i < SAVES; i++) {
            char key[32];
            snprintf(key, sizeof key, "run%d.%d", run, i);
            assert_non_null(plan_cache_find(cache, key));
        }
    plan_cache_destroy(cache);
    cache_file();
}

static void test_a_run_that_is_stopped_while_it_saves_does_not_stop_others(void **state)
{
    (void)state;
    assert_true(save_one("a", "engine 1"));
    int folder = open(support_path(home, ".cache/tidy"), O_RDONLY | O_DIRECTORY);
    assert_int_equal(flock(folder, LOCK_EX), 0);
    assert_false(save_one("b", "engine 2"));
    close(folder);
    assert_true(save_one("b", "engine 2"));
    assert_loads(TITLE "a\tengine 1\nb\tengine 2\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_text_is_a_title_and_the_plans_sorted_by_key, make_home),
        cmocka_unit_test_setup(test_text_goes_into_another_cache_of_the_same_format_device_and_version_only,
                               make_home),
        cmocka_unit_test_setup(test_damaged_lines_are_left_out_and_the_others_kept, make_home),
        cmocka_unit_test_setup(test_saved_plans_are_there_for_the_next_run, make_home),
        cmocka_unit_test_setup(test_saving_keeps_the_files_plans_and_replaces_those_chosen_anew, make_home),
        cmocka_unit_test_setup(test_another_device_or_version_has_a_file_of_its_own, make_home),
        cmocka_unit_test_setup(test_a_device_name_cannot_lead_out_of_the_folder_or_break_the_title, make_home),
        cmocka_unit_test_setup(test_xdg_cache_home_is_taken_where_it_is_absolute, make_home),
        cmocka_unit_test_setup(test_without_a_home_a_run_goes_on_without, make_home),
        cmocka_unit_test_setup(test_a_home_that_cannot_be_written_changes_nothing, make_home),
        cmocka_unit_test_setup(test_a_full_disk_leaves_the_file_as_it_was_and_nothing_beside, make_home),
        cmocka_unit_test_setup(test_a_file_that_is_not_ours_is_replaced, make_home),
        cmocka_unit_test_setup(test_a_file_cut_at_any_byte_gives_whole_plans_or_none, make_home),
        cmocka_unit_test_setup(test_runs_that_save_at_the_same_time_keep_each_others_plans, make_home),
        cmocka_unit_test_setup(test_a_run_that_is_stopped_while_it_saves_does_not_stop_others, make_home),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
