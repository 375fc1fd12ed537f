/* Vectors: blending of pixels, a sum of products of 16-bit samples, a filter on floats. With NEON on the
 * guest, in plain C on the host. */
#include "workload.h"

#include <string.h>
#ifdef __ARM_NEON
#include <arm_neon.h>
#endif

#define PIXELS 8192

static uint8_t front[PIXELS], back[PIXELS], blended[PIXELS];
static int16_t samples[PIXELS], weights[PIXELS];
static float wave[PIXELS], filtered[PIXELS];

#ifdef __ARM_NEON
static void blend(uint8_t alpha)
{
    uint8x8_t a = vdup_n_u8(alpha), b = vdup_n_u8(255 - alpha);

    for (int i = 0; i < PIXELS; i += 8) {
        uint16x8_t sum = vmull_u8(vld1_u8(front + i), a);
        sum = vmlal_u8(sum, vld1_u8(back + i), b);
        vst1_u8(blended + i, vqadd_u8(vshrn_n_u16(sum, 8), vdup_n_u8(3)));
    }
}

static int32_t product(void)
{
    int32x4_t sum = vdupq_n_s32(0);

    for (int i = 0; i < PIXELS; i += 4)
        sum = vmlal_s16(sum, vld1_s16(samples + i), vld1_s16(weights + i));
    return vgetq_lane_s32(sum, 0) + vgetq_lane_s32(sum, 1) + vgetq_lane_s32(sum, 2) + vgetq_lane_s32(sum, 3);
}

static void filter(float gain)
{
    float32x4_t g = vdupq_n_f32(gain);

    for (int i = 4; i < PIXELS - 4; i += 4) {
        float32x4_t value = vaddq_f32(vld1q_f32(wave + i - 1), vld1q_f32(wave + i + 1));
        value = vmlaq_f32(vmulq_f32(value, g), vld1q_f32(wave + i), vdupq_n_f32(0.5f));
        vst1q_f32(filtered + i, vmaxq_f32(value, vdupq_n_f32(-0.75f)));
    }
}
#else
static void blend(uint8_t alpha)
{
    for (int i = 0; i < PIXELS; i++) {
        int sum = (uint16_t)(front[i] * alpha + back[i] * (255 - alpha)) >> 8;
        blended[i] = (uint8_t)(sum + 3 > 255 ? 255 : sum + 3);
    }
}

static int32_t product(void)
{
    uint32_t sum = 0;

    for (int i = 0; i < PIXELS; i++)
        sum += (uint32_t)(samples[i] * weights[i]);
    return (int32_t)sum;
}

static void filter(float gain)
{
    for (int i = 4; i < PIXELS - 4; i++) {
        float value = (wave[i - 1] + wave[i + 1]) * gain + wave[i] * 0.5f;
        filtered[i] = value > -0.75f ? value : -0.75f;
    }
}
#endif

uint32_t run(unsigned units)
{
    uint32_t state = 271828182, hash = 0;

    for (int i = 0; i < PIXELS; i++) {
        uint32_t random = next_random(&state);
        front[i] = (uint8_t)random;
        back[i] = (uint8_t)(random >> 8);
        samples[i] = (int16_t)(random >> 16);
        weights[i] = (int16_t)(random >> 4);
        wave[i] = (float)(int32_t)(random % 20001 - 10000) / 10000.0f;
    }
    for (unsigned i = 0; i < 50 * units; i++) {
        uint32_t bits;
        blend((uint8_t)i);
        filter(0.25f + (float)(i % 4) / 16);
        memcpy(&bits, &filtered[4 + i % (PIXELS - 8)], 4);
        samples[i % PIXELS] ^= (int16_t)i;
        hash = mix(hash, bits + blended[i % PIXELS] + (uint32_t)product());
    }
    return hash;
}
