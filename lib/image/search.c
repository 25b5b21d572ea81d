/*
 * Owns the search. The bytes of a lossy encoder grow about as a power of its quality
 * setting, so the next one to try is found on a straight line through the logarithms of
 * the nearest known ones; that takes two or three encodes where halving takes seven. What
 * is kept is the best result so far, never more than two at once.
 */
#include "image/search.h"

#include <math.h>

#include "base/auto.h"

static const double slope_least = .005, slope_usual = .03, slope_most = .2;

/* The known results next to the budget, and how steep it is there. */
struct bracket {
    uint32_t below, above; /* settings that fit and do not fit */
    double below_bytes, above_bytes;
    bool has_below, has_above;
    uint32_t last;            /* setting that was tried; 0 = none */
    double last_bytes, slope; /* of the logarithm of the bytes, per setting */
};

static void replace(struct ij_encoded *best, struct ij_encoded *with)
{
    ij_encoded_done(best);
    *best = *with;
    *with = (struct ij_encoded){ 0 };
}

static uint32_t between(double wanted, uint32_t least, uint32_t most)
{
    if (!(wanted > least))
        return least;
    return wanted < most ? (uint32_t)wanted : most;
}

/* Where the line through what is known meets 96 % of the budget. */
static uint32_t next_setting(const struct bracket *known, struct ij_search_range range,
                             double budget)
{
    /* from one side, rather too small than too large: then there are two sides */
    double goal = log(budget * (known->has_below ? .96 : .94));
    uint32_t least = known->has_below ? known->below + 1 : range.floor;
    uint32_t most = known->has_above ? known->above - 1 : range.ceiling;
    if (!known->has_below)
        return between(known->above - (log(known->above_bytes) - goal) / known->slope,
                       least, most);
    if (!known->has_above)
        return between(known->below + (goal - log(known->below_bytes)) / known->slope,
                       least, most);
    double slope = (log(known->above_bytes) - log(known->below_bytes)) /
                   (known->above - known->below);
    return between(known->below + (goal - log(known->below_bytes)) / slope, least, most);
}

/* Take a result in. @return whether it is the best so far */
static bool learn(struct bracket *known, uint32_t setting, size_t len, uint64_t budget)
{
    if (known->last && known->last != setting) {
        double slope =
            log((double)len / known->last_bytes) / ((double)setting - known->last);
        known->slope = fmin(fmax(slope, slope_least), slope_most);
    }
    known->last = setting;
    known->last_bytes = (double)len;
    if (len > budget) {
        known->above = setting;
        known->above_bytes = (double)len;
        known->has_above = true;
        return false;
    }
    bool is_better = !known->has_below || (double)len > known->below_bytes;
    known->below = setting;
    known->below_bytes = (double)len;
    known->has_below = true;
    return is_better;
}

static bool is_settled(const struct bracket *known, struct ij_search_range range,
                       uint64_t budget)
{
    if (known->has_below &&
        (known->below_bytes >= .9 * (double)budget || known->below == range.ceiling))
        return true;
    if (known->has_above && known->above == range.floor)
        return true;
    return known->has_below && known->has_above && known->above - known->below <= 1;
}

int ij_search_bytes(const struct ij_search *search, struct ij_search_range range,
                    uint64_t max_bytes, struct ij_encoded *out)
{
    IJ_AUTO(ij_encoded_done) struct ij_encoded best = { 0 };
    struct bracket known = { .slope = slope_usual };
    uint32_t setting = between(range.start, range.floor, range.ceiling), encodes = 0;
    while (encodes < IJ_SEARCH_BYTES_ENCODES) {
        /* the last try must fit, if anything does */
        if (encodes == IJ_SEARCH_BYTES_ENCODES - 1 && !known.has_below)
            setting = range.floor;
        IJ_AUTO(ij_encoded_done) struct ij_encoded made = { 0 };
        if (search->encode(search->data, setting, &made) != 0)
            return -1;
        encodes++;
        bool is_best = learn(&known, setting, made.len, max_bytes);
        if (is_best || (!known.has_below && setting == range.floor))
            replace(&best, &made);
        if (is_settled(&known, range, max_bytes))
            break;
        setting = next_setting(&known, range, (double)max_bytes);
    }
    best.about.encodes = encodes;
    best.about.is_over_budget = !known.has_below;
    *out = best;
    best = (struct ij_encoded){ 0 }; /* handed over */
    return 0;
}

/* ---- halving ---- */

/* What halving asks of a step: does it do? */
struct halving {
    const struct ij_search *search;
    const uint32_t *settings; /* NULL = floor, floor + 1, … */
    uint32_t floor;
    size_t count;
    uint64_t max_bytes; /* where the target is none */
    double target;      /* 0 = none */
};

static int try_step(const struct halving *how, size_t step, struct ij_encoded *made,
                    bool *does)
{
    const struct ij_search *search = how->search;
    uint32_t setting = how->settings ? how->settings[step] : how->floor + (uint32_t)step;
    if (search->encode(search->data, setting, made) != 0)
        return -1;
    if (how->target <= 0) {
        *does = made->len <= how->max_bytes;
        return 0;
    }
    double ssim;
    if (search->likeness(search->data, made, &ssim) != 0)
        return -1;
    double millis = floor(ssim * 1000);
    made->about.ssim_millis = between(millis, 1, 1000); /* 0 says not measured */
    *does = ssim >= how->target;
    return 0;
}

/* The first step that does; if none does, the last step is the last one tried. */
static int halve(const struct halving *how, struct ij_encoded *out)
{
    IJ_AUTO(ij_encoded_done) struct ij_encoded best = { 0 };
    uint32_t encodes = 0;
    size_t from = 0, to = how->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        IJ_AUTO(ij_encoded_done) struct ij_encoded made = { 0 };
        bool does;
        if (try_step(how, middle, &made, &does) != 0)
            return -1;
        encodes++;
        if (does)
            to = middle;
        else
            from = middle + 1;
        if (does || from == how->count)
            replace(&best, &made);
    }
    best.about.encodes = encodes;
    best.about.is_over_budget = from == how->count;
    *out = best;
    best = (struct ij_encoded){ 0 }; /* handed over */
    return 0;
}

int ij_search_steps(const struct ij_search *search, const uint32_t *settings,
                    size_t count, uint64_t max_bytes, struct ij_encoded *out)
{
    const struct halving how = {
        .search = search, .settings = settings, .count = count, .max_bytes = max_bytes
    };
    return halve(&how, out);
}

int ij_search_likeness(const struct ij_search *search, struct ij_search_range range,
                       double target, struct ij_encoded *out)
{
    const struct halving how = { .search = search,
                                 .floor = range.floor,
                                 .count = range.ceiling - range.floor + 1,
                                 .target = target };
    return halve(&how, out);
}
