/**
 * When should a battery charge and when discharge, so that a neighbourhood draws from the grid as evenly as can be?
 *
 * The neighbourhood is heated by electricity and has wind turbines; both follow from the weather. Dynamic programming
 * over hours and charge finds the schedule with the least sum of squared draws, and no schedule has less.
 *
 * Input, little-endian: hours (u32), capacity and power of the battery in steps of 2 kWh and 2 kW (u32 each), then for
 * each hour temperature and wind in tenths of a degree Celsius and of m/s (i16 each).
 * Output: sum of squared draws without and with the battery (u32 each, steps squared), highest draw without and with
 * (i32 each, steps), then for each hour the draw without (i16, steps) and how much the battery charges (i16, steps).
 */
#include <string.h>
#include <tally.h>

enum { MAX_HOURS = 1024, MAX_CAPACITY = 255, STEP_KW = 2, BASE_KW = 100, HEAT_KW = 12, WARM = 180, MOST_WIND_KW = 500 };

static const uint32_t IMPOSSIBLE = 0x7fffffff;

static uint32_t hours, capacity, power;
static int32_t draw[MAX_HOURS];
/** Least sum of squares from an hour on, for each charge. */
static uint32_t least[MAX_HOURS + 1][MAX_CAPACITY + 1];

/** What the neighbourhood takes from the grid, in steps: base load and heating, less what the wind gives. */
static int32_t draw_of(int32_t temperature, int32_t wind)
{
    int32_t heating = temperature < WARM ? (WARM - temperature) * HEAT_KW / 10 : 0;
    // a kilowatt for each cubic metre per second cubed
    int32_t turbines = wind * wind * wind / 1000;
    if (turbines > MOST_WIND_KW) turbines = MOST_WIND_KW;
    return (BASE_KW + heating - turbines) / STEP_KW;
}

static uint32_t square(int32_t value) { return value * value; }

/** Charge after an hour: the best to go on with; less charging wins where it is as good. */
static uint32_t best_after(uint32_t hour, uint32_t charge, uint32_t *sum)
{
    uint32_t from = charge > power ? charge - power : 0;
    uint32_t to = charge + power < capacity ? charge + power : capacity;
    uint32_t best = from;
    *sum = IMPOSSIBLE;
    for (uint32_t after = from; after <= to; after++) {
        if (least[hour + 1][after] == IMPOSSIBLE) continue;
        uint32_t over = square(draw[hour] + (int32_t)(after - charge)) + least[hour + 1][after];
        if (over >= *sum) continue;
        *sum = over;
        best = after;
    }
    return best;
}

static int16_t at(const uint8_t *bytes) { return bytes[0] | bytes[1] << 8; }

int tally_main(const uint8_t *input, uint32_t length)
{
    uint32_t header[3];
    if (length < sizeof header) tally_trap();
    memcpy(header, input, sizeof header);
    hours = header[0], capacity = header[1], power = header[2];
    if (hours == 0 || hours > MAX_HOURS || capacity > MAX_CAPACITY || power > capacity) tally_trap();
    if (length != sizeof header + 4 * hours) tally_trap();
    for (uint32_t hour = 0; hour < hours; hour++) {
        const uint8_t *weather = input + sizeof header + 4 * hour;
        int16_t temperature = at(weather), wind = at(weather + 2);
        if (temperature < -600 || temperature > 600 || wind < 0 || wind > 1000) tally_trap();
        draw[hour] = draw_of(temperature, wind);
    }

    // it begins and ends half full
    uint32_t half = capacity / 2;
    for (uint32_t charge = 0; charge <= capacity; charge++) least[hours][charge] = charge == half ? 0 : IMPOSSIBLE;
    for (uint32_t hour = hours; hour-- > 0;) {
        for (uint32_t charge = 0; charge <= capacity; charge++) best_after(hour, charge, &least[hour][charge]);
    }

    uint32_t before = 0, rest, charge = half;
    int32_t highest_before = draw[0], highest_after = INT32_MIN;
    int16_t plan[MAX_HOURS][2];
    for (uint32_t hour = 0; hour < hours; hour++) {
        uint32_t after = best_after(hour, charge, &rest);
        int32_t charged = (int32_t)(after - charge);
        before += square(draw[hour]);
        if (draw[hour] > highest_before) highest_before = draw[hour];
        if (draw[hour] + charged > highest_after) highest_after = draw[hour] + charged;
        plan[hour][0] = draw[hour];
        plan[hour][1] = charged;
        charge = after;
    }
    tally_output(&before, sizeof before);
    tally_output(&least[0][half], sizeof before);
    tally_output(&highest_before, sizeof highest_before);
    tally_output(&highest_after, sizeof highest_after);
    tally_output(plan, hours * sizeof *plan);
    return 0;
}
