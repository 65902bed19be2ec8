/**
 * How well can tomorrow's highest temperature be told from today's weather, and who does it better than a calendar?
 *
 * A year is held out. From the others the program learns a line: today's weather, and the season as a sum of waves.
 * Then it forecasts the held-out year, which it has not seen, and so do a calendar (the mean of the same days in the
 * other years) and a lazy forecaster (as today). The floating point is C's own: integer instructions compute it, so
 * every machine gets the same bits.
 *
 * Input, little-endian u32 each: days, first held-out day, held-out days, days ahead, draws; then for each day four i16
 * in tenths: highest and lowest temperature (degrees Celsius), precipitation (mm), wind (m/s). Output, i32 each, in
 * thousandths of a degree: mean absolute error of calendar and lazy forecast; how much warmer the held-out year was
 * than the others; then for 0 to 3 waves: mean absolute error of the line, and the bounds that 95 % of its advantages
 * over the better of the two stay between when weeks of the year are drawn at random.
 */
#include <math.h>
#include <tally.h>

enum { MAX_DAYS = 4096, MAX_DRAWS = 2000, WEEK = 7, NEAR_DAYS = 7 };
enum { MAX_WAVES = 3, FIXED_TERMS = 5, MAX_TERMS = FIXED_TERMS + 2 * MAX_WAVES };

struct day {
    int16_t highest, lowest, precipitation, wind;
};
struct task {
    uint32_t days, held_out, held_out_days, ahead, draws;
};

static const struct task *task;
static const struct day *weather;
static double waves[MAX_DAYS][2 * MAX_WAVES];
static double products[MAX_TERMS][MAX_TERMS + 1], matrix[MAX_TERMS][MAX_TERMS + 1];
static double calendar_error[MAX_DAYS], lazy_error[MAX_DAYS], line_error[MAX_DAYS];

static double highest(uint32_t day) { return weather[day].highest / 10.0; }
static int is_held_out(uint32_t day) { return day - task->held_out < task->held_out_days; }

/** Sine and cosine of the season. */
static void fill_waves(void)
{
    const double year = 365.25, turn = 6.283185307179586;
    for (uint32_t day = 0; day < task->days; day++) {
        for (int wave = 0; wave < MAX_WAVES; wave++) {
            double angle = turn * (wave + 1) * day / year;
            waves[day][2 * wave] = sin(angle);
            waves[day][2 * wave + 1] = cos(angle);
        }
    }
}

/** What is known `ahead` days before `day`. The season comes last: a line with fewer waves has the first terms. */
static void fill_terms(uint32_t day, double *terms)
{
    const struct day *today = &weather[day - task->ahead];
    *terms++ = 1;
    *terms++ = today->highest / 10.0;
    *terms++ = today->lowest / 10.0;
    *terms++ = today->precipitation > 0;
    *terms++ = today->wind / 10.0;
    for (int wave = 0; wave < 2 * MAX_WAVES; wave++) *terms++ = waves[day][wave];
}

/** Sums up what all days but the held-out ones teach: products of terms with each other and with the temperature. */
static void learn(void)
{
    double terms[MAX_TERMS];
    for (uint32_t day = task->ahead; day < task->days; day++) {
        if (is_held_out(day) || is_held_out(day - task->ahead)) continue;
        fill_terms(day, terms);
        for (int row = 0; row < MAX_TERMS; row++) {
            for (int column = row; column < MAX_TERMS; column++) products[row][column] += terms[row] * terms[column];
            products[row][MAX_TERMS] += terms[row] * highest(day);
        }
    }
}

/** Solves the normal equations of the first terms; the matrix's last column becomes the line's weights. */
static void solve(int terms)
{
    for (int row = 0; row < terms; row++) {
        for (int column = 0; column < terms; column++) {
            matrix[row][column] = row < column ? products[row][column] : products[column][row];
        }
        matrix[row][terms] = products[row][MAX_TERMS];
    }
    for (int pivot = 0; pivot < terms; pivot++) {
        for (int row = 0; row < terms; row++) {
            if (row == pivot) continue;
            double factor = matrix[row][pivot] / matrix[pivot][pivot];
            for (int column = pivot; column <= terms; column++) matrix[row][column] -= factor * matrix[pivot][column];
        }
    }
    for (int row = 0; row < terms; row++) matrix[row][terms] /= matrix[row][row];
}

/** Forecasts the held-out days. */
static void forecast(int count)
{
    double terms[MAX_TERMS];
    int used = FIXED_TERMS + 2 * count;
    solve(used);
    for (uint32_t at = 0; at < task->held_out_days; at++) {
        uint32_t day = task->held_out + at;
        double told = 0;
        fill_terms(day, terms);
        for (int term = 0; term < used; term++) told += terms[term] * matrix[term][used];
        line_error[at] = fabs(told - highest(day));
    }
}

/** Mean of the days at the same time of the other years, a week on either side. */
static double calendar(uint32_t day)
{
    int32_t sum = 0, count = 0;
    for (uint32_t other = 0; other < task->days; other++) {
        int32_t apart = (int32_t)other - (int32_t)day;
        int32_t years = (apart * 4 + (apart < 0 ? -730 : 730)) / 1461;
        int32_t off = apart - (years * 1461) / 4;
        if (is_held_out(other) || off > NEAR_DAYS || off < -NEAR_DAYS) continue;
        sum += weather[other].highest;
        count++;
    }
    return count == 0 ? 0 : sum / 10.0 / count;
}

static double mean(const double *values)
{
    double sum = 0;
    for (uint32_t at = 0; at < task->held_out_days; at++) sum += values[at];
    return sum / task->held_out_days;
}

/** Advantages of the line when weeks of the year are drawn at random, sorted. */
static double advantages[MAX_DRAWS];

static void draw_advantages(const double *rival)
{
    uint32_t state = 0x2545f491, weeks = task->held_out_days / WEEK;
    double weekly[MAX_DAYS / WEEK + 1];
    for (uint32_t week = 0; week < weeks; week++) {
        weekly[week] = 0;
        for (uint32_t at = week * WEEK; at < (week + 1) * WEEK; at++) weekly[week] += rival[at] - line_error[at];
    }
    for (uint32_t draw = 0; draw < task->draws; draw++) {
        double sum = 0;
        for (uint32_t week = 0; week < weeks; week++) {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            sum += weekly[state % weeks];
        }
        uint32_t at = draw;
        for (; at > 0 && advantages[at - 1] > sum; at--) advantages[at] = advantages[at - 1];
        advantages[at] = sum;
    }
    for (uint32_t draw = 0; draw < task->draws; draw++) advantages[draw] /= weeks * WEEK;
}

static void put(double degrees)
{
    int32_t thousandths = lrint(degrees * 1000);
    tally_output(&thousandths, sizeof thousandths);
}

int tally_main(const uint8_t *input, uint32_t length)
{
    task = (const struct task *)input;
    weather = (const struct day *)(input + sizeof *task);
    if (length < sizeof *task || task->days > MAX_DAYS) tally_trap();
    if (length != sizeof *task + task->days * sizeof *weather) tally_trap();
    if (task->ahead == 0 || task->ahead > task->held_out || task->held_out > task->days) tally_trap();
    if (task->held_out_days < WEEK || task->held_out_days > task->days - task->held_out) tally_trap();
    if (task->draws < 40 || task->draws > MAX_DRAWS) tally_trap();

    fill_waves();
    double warmer = 0;
    for (uint32_t at = 0; at < task->held_out_days; at++) {
        uint32_t day = task->held_out + at;
        double usual = calendar(day);
        warmer += highest(day) - usual;
        calendar_error[at] = fabs(highest(day) - usual);
        lazy_error[at] = fabs(highest(day) - highest(day - task->ahead));
    }
    put(mean(calendar_error));
    put(mean(lazy_error));
    put(warmer / task->held_out_days);
    learn();
    const double *rival = mean(calendar_error) < mean(lazy_error) ? calendar_error : lazy_error;
    for (int count = 0; count <= MAX_WAVES; count++) {
        forecast(count);
        draw_advantages(rival);
        put(mean(line_error));
        put(advantages[task->draws / 40]);
        put(advantages[task->draws - 1 - task->draws / 40]);
    }
    return 0;
}
