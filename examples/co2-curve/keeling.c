/**
 * What does the air over Mauna Loa say: how fast does its carbon dioxide rise, and how does the year breathe in it?
 *
 * To the months of a window it fits a parabola and two waves a year, by least squares; then it tells the months behind
 * the window and compares.
 *
 * Input, little-endian: months (u32), first month of the window (u32), one behind its last (u32), then for each month
 * from March 1958 on its mean in hundredths of a ppm (u16; 0: not measured). Output, text, one finding a line: name,
 * value.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <tally.h>

enum { WAVES = 2, TERMS = 3 + 2 * WAVES, MAX_MONTHS = 2048, MARCH = 2, FINEST = 20 };

struct task {
    uint32_t months, first, end;
};

static struct task task;
static uint16_t measured[MAX_MONTHS];
static double matrix[TERMS][TERMS + 1];

/** Years since the middle of the window. */
static double years_of(double month) { return (month - (task.first + task.end) / 2.0) / 12; }

/** The season alone is terms 3 and up. */
static void fill_terms(double month, double *terms)
{
    double years = years_of(month);
    terms[0] = 1;
    terms[1] = years;
    terms[2] = years * years;
    for (int wave = 0; wave < WAVES; wave++) {
        // a month's mean stands for its middle
        double angle = 6.283185307179586 * (wave + 1) * (month + MARCH + 0.5) / 12;
        terms[3 + 2 * wave] = sin(angle);
        terms[4 + 2 * wave] = cos(angle);
    }
}

static double sum_terms(double month, int from)
{
    double terms[TERMS], sum = 0;
    fill_terms(month, terms);
    for (int term = from; term < TERMS; term++) sum += terms[term] * matrix[term][TERMS];
    return sum;
}

/** Solves the normal equations; the last column becomes the weights. */
static void fit(void)
{
    double terms[TERMS];
    for (uint32_t month = task.first; month < task.end; month++) {
        if (measured[month] == 0) continue;
        fill_terms(month, terms);
        for (int row = 0; row < TERMS; row++) {
            for (int column = 0; column < TERMS; column++) matrix[row][column] += terms[row] * terms[column];
            matrix[row][TERMS] += terms[row] * (measured[month] / 100.0);
        }
    }
    for (int pivot = 0; pivot < TERMS; pivot++) {
        for (int row = 0; row < TERMS; row++) {
            if (row == pivot) continue;
            double factor = matrix[row][pivot] / matrix[pivot][pivot];
            for (int column = pivot; column <= TERMS; column++) matrix[row][column] -= factor * matrix[pivot][column];
        }
    }
    for (int row = 0; row < TERMS; row++) matrix[row][TERMS] /= matrix[row][row];
}

/** Difference and months of the highest and lowest point of the season. */
static void put_season(void)
{
    static const char names[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    double highest = -1e9, lowest = 1e9;
    int high_at = 0, low_at = 0;
    for (int at = 0; at < 12 * FINEST; at++) {
        // months are counted from March, their middles at whole numbers
        double season = sum_terms((double)at / FINEST - MARCH - 0.5, 3);
        if (season > highest) highest = season, high_at = at / FINEST;
        if (season < lowest) lowest = season, low_at = at / FINEST;
    }
    printf("swing %.3f\nhighest %s\nlowest %s\n", highest - lowest, names[high_at], names[low_at]);
}

static void put_forecast(void)
{
    double worst = 0, sum = 0;
    int count = 0;
    for (uint32_t month = task.end; month < task.months; month++) {
        if (measured[month] == 0) continue;
        double error = fabs(sum_terms(month, 0) - measured[month] / 100.0);
        if (error > worst) worst = error;
        sum += error;
        count++;
    }
    if (count > 0) printf("forecast %d\nerror %.3f\nworst %.3f\n", count, sum / count, worst);
}

int tally_main(const uint8_t *input, uint32_t length)
{
    if (length < sizeof task) tally_trap();
    memcpy(&task, input, sizeof task);
    if (task.months > MAX_MONTHS || length != sizeof task + task.months * sizeof *measured) tally_trap();
    if (task.end > task.months || task.first > task.end || task.end - task.first < 36) tally_trap();
    memcpy(measured, input + sizeof task, task.months * sizeof *measured);

    fit();
    printf("level %.3f\nrise %.3f\nfaster %.4f\n", matrix[0][TERMS], matrix[1][TERMS], 2 * matrix[2][TERMS]);
    put_season();
    put_forecast();
    return 0;
}
