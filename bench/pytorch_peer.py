#!/usr/bin/python3
"""What a user would run instead: one training step in PyTorch, timed on this machine. `fewlabel bench --peer` calls this.

Needs Debian's python3-torch and python3-torchvision (the same libtorch that the C++ program links),
so a ratio against it compares programs, not library versions. Run it in the same minute as the
program it is compared with, and quote the ratio: absolute times drift on a shared machine.

  pytorch_peer.py step    --net wrn28_2 --mode default    seconds per step, unlabelled images/s, peak MiB
  pytorch_peer.py step    --net seed_cnn --mode tuned      channels_last + bf16 autocast
  pytorch_peer.py step    --net wrn28_2 --mode channels_last   fp32 in that layout
  pytorch_peer.py step    --net wrn28_2 --mode compiled    tuned + torch.compile (PyTorch 2, not in Debian 12)
  pytorch_peer.py supervised --mode default               ResNet-18 with the small-image stem, 64 images
  pytorch_peer.py simclr  --mode default                   SimCLR, ResNet-18 with the small-image stem, 256 images
  pytorch_peer.py text_fixmatch --mode default             nn.TransformerEncoder 4 x 256, 32 + 2 x 224 texts of 64 tokens
  pytorch_peer.py text_mlm --mode default                  the same, 128 texts, 15 % of the words hidden
  pytorch_peer.py augment                                  RandAugment images/s on one core (PIL)
  pytorch_peer.py sounds                                   torchaudio, log-mels a second and core
  pytorch_peer.py peak                                     bf16 and fp32 matrix product, GFLOP/s

A step is FixMatch as the public toolkits run it: batch 64 labelled + 7*64 unlabelled in a weak and a
strong view, one concatenated forward and backward pass, SGD with Nesterov momentum, an exponential
moving average of the weights. Input is random: only the arithmetic is timed; `augment` times the rest.
"""
import argparse, copy, resource, time
import torch, torch.nn as nn, torch.nn.functional as F

B, MU = 64, 7


class WideBlock(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(i, momentum=0.001), nn.Conv2d(i, o, 3, stride, 1, bias=False)
        self.bn2, self.conv2 = nn.BatchNorm2d(o, momentum=0.001), nn.Conv2d(o, o, 3, 1, 1, bias=False)
        self.short = nn.Conv2d(i, o, 1, stride, bias=False) if i != o else None

    def forward(self, x):
        h = F.leaky_relu(self.bn1(x), 0.1)
        y = self.conv2(F.leaky_relu(self.bn2(self.conv1(h)), 0.1))
        return y + (x if self.short is None else self.short(h))


def wrn28_2(classes=10, channels=3):
    layers, i = [nn.Conv2d(channels, 16, 3, 1, 1, bias=False)], 16
    for o, stride in ((32, 1), (64, 2), (128, 2)):
        for k in range(4):
            layers.append(WideBlock(i, o, stride if k == 0 else 1))
            i = o
    return nn.Sequential(*layers, nn.BatchNorm2d(128, momentum=0.001), nn.LeakyReLU(0.1),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, classes))


def seed_cnn(classes=10):
    return nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Linear(32 * 13 * 13, classes))


NETS = {"wrn28_2": (wrn28_2, (3, 32, 32)), "seed_cnn": (seed_cnn, (1, 28, 28)),
        "wrn28_2_sound": (lambda: wrn28_2(channels=1), (1, 64, 100))}


def mode_of(args):
    """Whether bf16 autocast is on, and the memory layout."""
    layout = torch.contiguous_format if args.mode == "default" else torch.channels_last
    return args.mode in ("tuned", "compiled"), layout


def move_average(average, net):
    with torch.no_grad():
        for a, b in zip(average.state_dict().values(), net.state_dict().values()):
            if a.dtype.is_floating_point:
                a.mul_(0.999).add_(b, alpha=0.001)


def fixmatch_loss(logits, y):
    weak, strong = logits[len(y):].chunk(2)
    confidence, target = F.softmax(weak.detach(), 1).max(1)
    return F.cross_entropy(logits[:len(y)], y) + (
        F.cross_entropy(strong, target, reduction="none") * (confidence >= 0.95).float()).mean()


def step(args):
    build, shape = NETS[args.net]
    tuned, layout = mode_of(args)
    net = build().to(memory_format=layout)
    average = copy.deepcopy(net)
    forward = torch.compile(net) if args.mode == "compiled" else net
    sgd = torch.optim.SGD(net.parameters(), 0.03, 0.9, nesterov=True, weight_decay=5e-4)
    x = torch.randn(B + 2 * MU * B, *shape).contiguous(memory_format=layout)
    y = torch.randint(0, 10, (B,))

    def once():
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=tuned):
            logits = forward(x)
        loss = fixmatch_loss(logits.float(), y)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        move_average(average, net)

    report(args, once, f"net={args.net} method=fixmatch", unlabelled_images=MU * B)


def small_resnet18():
    from torchvision.models import resnet18
    net = resnet18()
    net.conv1, net.maxpool = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.Identity()
    return net


def supervised(args):
    tuned, layout = mode_of(args)
    net = small_resnet18()
    net.fc = nn.Linear(512, 10)
    net = net.to(memory_format=layout)
    average = copy.deepcopy(net)
    sgd = torch.optim.SGD(net.parameters(), 0.03, 0.9, nesterov=True, weight_decay=5e-4)
    x = torch.randn(B, 3, 32, 32).contiguous(memory_format=layout)
    y = torch.randint(0, 10, (B,))

    def once():
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=tuned):
            logits = net(x)
        loss = F.cross_entropy(logits.float(), y)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        move_average(average, net)

    report(args, once, "net=resnet18 method=supervised", images=B)


def simclr(args):
    tuned, layout = mode_of(args)
    net = small_resnet18()
    net.fc = nn.Sequential(nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 128))
    net = net.to(memory_format=layout)
    forward = torch.compile(net) if args.mode == "compiled" else net
    sgd = torch.optim.SGD(net.parameters(), 0.06, 0.9, weight_decay=5e-4)
    n = args.batch
    x = torch.randn(2 * n, 3, 32, 32).contiguous(memory_format=layout)
    partner, self_pair = torch.arange(2 * n).roll(n), torch.eye(2 * n, dtype=torch.bool)

    def once():
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=tuned):
            z = forward(x)
        z = F.normalize(z.float(), dim=1)
        loss = F.cross_entropy((z @ z.T / 0.5).masked_fill(self_pair, -1e9), partner)
        sgd.zero_grad()
        loss.backward()
        sgd.step()

    report(args, once, f"net=resnet18 method=simclr batch={n}", images=n)


VOCABULARY, TOKENS = 8000, 64


class Reader(nn.Module):
    """PyTorch's own encoder layers, with the padding mask that makes them leave padding out where they can."""

    def __init__(self, width=256, depth=4):
        super().__init__()
        self.token, self.place = nn.Embedding(VOCABULARY, width, 0), nn.Embedding(TOKENS, width)
        self.norm, self.drop = nn.LayerNorm(width), nn.Dropout(0.1)
        layer = nn.TransformerEncoderLayer(width, width // 64, 4 * width, 0.1, "gelu", batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, depth, nn.LayerNorm(width), enable_nested_tensor=False)

    def forward(self, x):
        x = x[:, : int((x != 0).sum(1).max())]
        h = self.drop(self.norm(self.token(x) + self.place.weight[: x.shape[1]]))
        return self.blocks(h, src_key_padding_mask=x == 0)


def texts(n):
    """Like ours: of 16 to 64 tokens, all lengths alike."""
    x = torch.randint(5, VOCABULARY, (n, TOKENS))
    return x.masked_fill(torch.arange(TOKENS) >= torch.randint(16, TOKENS + 1, (n, 1)), 0)


def text_fixmatch(args):
    tuned, _ = mode_of(args)
    b = 32
    net = nn.ModuleDict({"body": Reader(), "head": nn.Linear(256, 10)})
    average = copy.deepcopy(net)
    adam = torch.optim.AdamW(net.parameters(), 1e-3, weight_decay=0.05)
    x, y = texts(b + 2 * MU * b), torch.randint(0, 10, (b,))

    def once():
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=tuned):
            h = net["body"](x)
            there = (x[:, : h.shape[1]] != 0).unsqueeze(2)
            logits = net["head"]((h * there).sum(1) / there.sum(1))
        loss = fixmatch_loss(logits.float(), y)
        adam.zero_grad()
        loss.backward()
        adam.step()
        move_average(average, net)

    report(args, once, "net=bert_mini method=fixmatch", unlabelled_texts=MU * b)


def text_mlm(args):
    tuned, _ = mode_of(args)
    net = nn.ModuleDict({"body": Reader(), "dense": nn.Linear(256, 256), "norm": nn.LayerNorm(256)})
    bias = nn.Parameter(torch.zeros(VOCABULARY))
    adam = torch.optim.AdamW([*net.parameters(), bias], 5e-4, weight_decay=0.01)
    all_texts = texts(128)

    def once():
        chosen = (torch.rand(all_texts.shape) < 0.15) & (all_texts != 0)
        x = all_texts.masked_fill(chosen, 4)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=tuned):
            h = net["body"](x)[chosen]
            logits = F.linear(net["norm"](F.gelu(net["dense"](h))), net["body"].token.weight, bias)
        loss = F.cross_entropy(logits.float(), all_texts[chosen])
        adam.zero_grad()
        loss.backward()
        adam.step()

    report(args, once, "net=bert_mini method=mlm", texts=len(all_texts))


def report(args, once, what, **examples):
    """The median of args.repeats steps after one that is not timed; `examples` names and counts what a step sees."""
    once()
    s = sorted(_timed(once) for _ in range(args.repeats))[args.repeats // 2]
    (name, count), = examples.items()
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what} mode={args.mode} threads={torch.get_num_threads()} "
          f"s/step={s:.4f} {name}/s={count / s:.1f} peak_MiB={mib:.0f}")


def augment(args):
    import random
    from torchvision import transforms
    from PIL import Image
    torch.set_num_threads(1)
    images = [Image.frombytes("RGB", (32, 32), bytes(random.randrange(256) for _ in range(3072))) for _ in range(500)]
    crop = [transforms.RandomCrop(32, padding=4, padding_mode="reflect"), transforms.RandomHorizontalFlip()]
    end = [transforms.ToTensor(), transforms.Normalize((0.5,) * 3, (0.2,) * 3)]
    for name, middle in (("weak", []), ("strong", [transforms.RandAugment(2, 10)])):
        pipeline = transforms.Compose(crop + middle + end)
        t = time.perf_counter()
        for image in images:
            pipeline(image)
        print(f"augment={name} images/s/core={len(images) / (time.perf_counter() - t):.0f}")


def sounds(args):
    """A second at 16 kHz to 64 x 100 log-mels, two masks over bands and two over frames, one recording after another."""
    import torchaudio
    torch.set_num_threads(1)
    recordings = [torch.randn(16000) * 0.1 for _ in range(200)]
    mel = torchaudio.transforms.MelSpectrogram(16000, n_fft=args.fft, win_length=400, hop_length=160, n_mels=64)
    bands, frames = torchaudio.transforms.FrequencyMasking(10), torchaudio.transforms.TimeMasking(15)
    for name, masks in (("plain", []), ("masked", [bands, bands, frames, frames])):
        t = time.perf_counter()
        for recording in recordings:
            x = torch.log(mel(recording) + 1e-6)[:, :100].unsqueeze(0)
            for mask in masks:
                x = mask(x, x.mean())
        print(f"sounds={name} images/s/core={len(recordings) / (time.perf_counter() - t):.0f}")


def peak(args):
    for dtype in (torch.float32, torch.bfloat16):
        a, b = torch.randn(2048, 2048).to(dtype), torch.randn(2048, 2048).to(dtype)
        a @ b
        best = min(_timed(lambda: a @ b) for _ in range(5))
        print(f"peak={str(dtype)[6:]} GFLOP/s={2 * 2048**3 / best / 1e9:.0f} threads={torch.get_num_threads()}")


def _timed(f):
    t = time.perf_counter()
    f()
    return time.perf_counter() - t


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["step", "supervised", "simclr", "text_fixmatch", "text_mlm", "augment", "sounds",
                                         "peak"])
    parser.add_argument("--net", choices=NETS, default="wrn28_2")
    parser.add_argument("--mode", choices=["default", "channels_last", "tuned", "compiled"], default="default")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--batch", type=int, default=256, help="images a step, for simclr")
    parser.add_argument("--fft", type=int, default=512, help="of sounds: samples of the Fourier transform")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(arguments.threads)
    globals()[arguments.what](arguments)


if __name__ == "__main__":
    main()
