"""The token estimator's error, and how many reservations suffice: over recorded traffic, and over
synthetic traffic like other models'."""

import json
import random
import statistics
import subprocess

# Bytes a token of the prompt and of the output, tokens that a chat template adds, and how much the
# ratio varies from request to request (a factor's standard deviation).
KINDS = {
    "prose": (4.4, 4.6, 12, 0.08),
    "code": (3.1, 3.3, 12, 0.15),
    "chinese": (2.2, 2.4, 12, 0.10),
    "tools (JSON)": (2.8, 2.9, 90, 0.12),
    "image URLs": (4.4, 4.6, 800, 0.30),
}
SAMPLES = 2000
WARM = 50


def recorded(cases, answers):
    """Samples of the corpus in its order: model, text bytes, prompt, output bytes, completion, reasoning,
    the bound of the answer (None where nobody stated one, 0 where none is written), choices."""
    models, samples = {}, []
    for case, answer in zip(cases, answers):
        if answer["source"] == "reported" and answer["text_bytes"]:
            model = models.setdefault(case.meta["expect"]["model"], len(models))
            samples.append((model, answer["text_bytes"], answer["prompt"], answer["output_bytes"],
                            answer["completion"], answer["reasoning"] or 0, *bound(case)))  # fmt: skip
    return samples


def bound(case):
    request = json.loads(case.request)
    if case.meta["api"] == "embeddings":
        return 0, 1
    names = ("max_tokens", "max_completion_tokens", "max_output_tokens")
    stated = [request[name] for name in names if request.get(name)]
    return max(stated, default=None), request.get("n") or 1


def synthetic(seed):
    """Samples of each kind, and of all of them through one model."""
    source = random.Random(seed)
    rows = [(name, [sample(source, *kind) for _ in range(SAMPLES)]) for name, kind in KINDS.items()]
    mixed = [sample(source, *source.choice(list(KINDS.values()))) for _ in range(SAMPLES)]
    return [*rows, ("all of them mixed", mixed)]


def sample(source, prompt_ratio, output_ratio, overhead, spread):
    text = int(source.lognormvariate(7.5, 1.2)) + 40
    output = int(source.lognormvariate(6.5, 0.9)) + 4
    prompt = int(text / prompt_ratio * source.lognormvariate(0, spread)) + overhead
    completion = max(1, int(output / output_ratio * source.lognormvariate(0, spread)))
    return 0, text, prompt, output, completion, 0, None, 1


def show(program, rows):
    print(f"\n{'estimates':<20}{'samples':>8}  {'prompt: median, 95 %, sum':<28}{'output: median, 95 %, sum':<28}enough reserved, short by at most")
    for name, samples in rows:
        lines = "".join(" ".join(map(str, sample[:6])) + "\n" for sample in samples)
        done = subprocess.run([program, "estimate"], input=lines.encode(), stdout=subprocess.PIPE, check=True)
        answers = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
        assert len(answers) == len(samples)
        # The first samples warm the estimator up and are left out; a recording is too short for that.
        pairs = list(zip(samples, answers))[WARM if len(samples) > 10 * WARM else 0 :]
        prompts = [(answer[0], sample[2]) for sample, answer in pairs]
        outputs = [(answer[1], sample[4] - sample[5]) for sample, answer in pairs if sample[3] > 0]
        # What is used of each token that was reserved, prompt and answer together.
        used = [(sample[2] + sample[4]) / max(1, reserved(sample, answer)) for sample, answer in pairs]
        held = sum(share <= 1 for share in used) / len(pairs)
        short = max(max(used) - 1, 0)
        print(f"{name:<20}{len(samples):>8}  {error(prompts):<28}{error(outputs):<28}{held:>9.1%}{short:>9.1%}")


def reserved(sample, answer):
    stated, choices = sample[6:]
    return answer[0] + (answer[2] if stated is None else stated) * choices


def error(pairs):
    """Median and 95th percentile of the relative error, and the error of the sum with its sign."""
    each = sorted(abs(estimate - true) / max(1, true) for estimate, true in pairs)
    whole = sum(estimate for estimate, _ in pairs) / sum(true for _, true in pairs) - 1
    return f"{statistics.median(each):6.1%} {each[int(len(each) * 0.95)]:7.1%} {whole:+7.1%}"
