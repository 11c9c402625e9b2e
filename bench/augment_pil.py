#!/usr/bin/env python3
"""PIL's side of augment_bench: images a second and core (CPU time) of the same weak and strong views, 32 x 32 colour.

Needs Pillow (Debian: python3-pil). Written as the reference implementations of FixMatch do it.
"""
import random
import time

from PIL import Image, ImageDraw, ImageEnhance, ImageOps

SIDE, PAD = 32, 4


def affine(*matrix):
    return lambda im: im.transform(im.size, Image.AFFINE, matrix)


OPERATIONS = [
    (lambda im, v: ImageOps.autocontrast(im), 0, 1), (lambda im, v: ImageEnhance.Brightness(im).enhance(v), 0.05, 0.95),
    (lambda im, v: ImageEnhance.Color(im).enhance(v), 0.05, 0.95),
    (lambda im, v: ImageEnhance.Contrast(im).enhance(v), 0.05, 0.95), (lambda im, v: ImageOps.equalize(im), 0, 1),
    (lambda im, v: im, 0, 1), (lambda im, v: ImageOps.posterize(im, int(v)), 4, 8),
    (lambda im, v: im.rotate(v), -30, 30), (lambda im, v: ImageEnhance.Sharpness(im).enhance(v), 0.05, 0.95),
    (lambda im, v: affine(1, v, 0, 0, 1, 0)(im), -0.3, 0.3), (lambda im, v: affine(1, 0, 0, v, 1, 0)(im), -0.3, 0.3),
    (lambda im, v: ImageOps.solarize(im, v), 0, 256), (lambda im, v: affine(1, 0, v * SIDE, 0, 1, 0)(im), -0.3, 0.3),
    (lambda im, v: affine(1, 0, 0, 0, 1, v * SIDE)(im), -0.3, 0.3),
]


def weak(im):
    if random.random() < 0.5:
        im = ImageOps.mirror(im)
    # Black padding: PIL has none that reflects, and a detour through arrays would only be slower.
    x, y = random.randint(-PAD, PAD), random.randint(-PAD, PAD)
    return im.crop((x, y, x + SIDE, y + SIDE))


def strong(im):
    im = weak(im)
    for operation, low, high in random.choices(OPERATIONS, k=2):
        im = operation(im, random.uniform(low, high))
    side, x, y = 1 + int(random.uniform(0, 0.5) * SIDE), random.randrange(SIDE), random.randrange(SIDE)
    im = im.copy()
    ImageDraw.Draw(im).rectangle((x - side // 2, y - side // 2, x + side // 2, y + side // 2), (127, 127, 127))
    return im


def main():
    random.seed(1)
    data = bytes(30 + i * 100 // (SIDE * SIDE * 3) + random.randrange(80) for i in range(SIDE * SIDE * 3))
    for name, view in (("weak", weak), ("strong", strong)):
        count, start = 20000, time.process_time()
        for _ in range(count):
            view(Image.frombytes("RGB", (SIDE, SIDE), data)).tobytes()
        print(f"{name}/32x3 {count / (time.process_time() - start):.0f} images/s")


main()
