#include "frontends/window_layout.h"

#include <stdint.h>

#include "machine/input.h"

static int least(int a, int b)
{
    return a < b ? a : b;
}

WindowBox window_fit(WindowBox area, int width, int height, bool smooth)
{
    WindowBox box = {area.x, area.y, 0, 0};
    if (width <= 0 || height <= 0 || area.width <= 0 || area.height <= 0)
        return box;
    int times = least(area.width / width, area.height / height);
    if (!smooth && times > 0) {
        box.width = width * times;
        box.height = height * times;
    } else if ((int64_t)area.width * height <= (int64_t)area.height * width) {
        box.width = area.width;
        box.height = (int)((int64_t)area.width * height / width);
    } else {
        box.height = area.height;
        box.width = (int)((int64_t)area.height * width / height);
    }
    box.width += !box.width;
    box.height += !box.height;
    box.x += (area.width - box.width) / 2;
    box.y += (area.height - box.height) / 2;
    return box;
}

int window_multiple(int screen_width, int screen_height, int width, int height, int most)
{
    if (width <= 0 || height <= 0)
        return 1;
    int times = least(least(screen_width * 7 / 8 / width, screen_height * 7 / 8 / height), most);
    return times > 1 ? times : 1;
}

static int position(int at, int begin, int length)
{
    int64_t offset = at < begin ? 0 : at >= begin + length ? length - 1 : at - begin;
    return length > 1 ? (int)(offset * INPUT_POSITION_MOST / (length - 1)) : 0;
}

void window_position(WindowBox box, int x, int y, int *across, int *down)
{
    *across = position(x, box.x, box.width);
    *down = position(y, box.y, box.height);
}

bool window_inside(WindowBox box, int x, int y)
{
    return x >= box.x && y >= box.y && x < box.x + box.width && y < box.y + box.height;
}
