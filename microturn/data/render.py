"""Timeline -> micro-turns: bins, text by lane, floor decisions, mel targets.

What is generated in micro-turn i plays in micro-turn i + 1: its sound is the own track from 200 (i
+ 1) ms on, and its said bins in the input are the own track of its own interval. A word that was
heard is written in the first micro-turn that ends at least HEARD_LAG_MS after it; a piece that is
said is written in the micro-turn that generates its word's start: who pronounces a word knows all
of it.

Legend: N samples, A frames of 50 ms, M mel bins, T micro-turns, F mel frames.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from microturn.data.bank import Bank, Utterance
from microturn.data.mix import Sound, at_microphone, place
from microturn.data.sounding import IdArray, heard_frames, said_slots
from microturn.data.timeline import IMAGE_PERIOD_MS, Event, Timeline, utterance_of
from microturn.sequence import (
    NUM_MEL_BINS,
    TurnDecision,
    TurnFeatures,
    lay_lanes,
    typed_message,
)
from microturn.signal.mel import (
    OUTPUT_HOP,
    SILENT_MEL,
    HeardState,
    SaidState,
    fine_bins,
    heard_bins,
    output_mel,
    said_bins,
)
from microturn.signal.patches import image_patches
from microturn.signal.text import Text
from microturn.turns import (
    AUDIO_FRAMES,
    INPUT_RATE_HZ,
    MICRO_TURN_MS,
    OUTPUT_RATE_HZ,
    OUTPUT_SAMPLES,
    FloatArray,
)

HEARD_LAG_MS = 100
SAID_LEAD_MS = 40
CUT_FADE_MS = 20
MEL_FRAMES = OUTPUT_SAMPLES // OUTPUT_HOP
BoolArray = npt.NDArray[np.bool_]
HalfArray = npt.NDArray[np.float16]


@dataclass(frozen=True)
class Episode:
    """A rendered conversation.

    mel [T, F, M] float16 is meaningful where the decision is to speak. prefix_ids: instructions
    before the first micro-turn. frame_ids, slot_ids: which piece sounds when (`sounding.py`), which
    only training looks at.
    """

    turns: list[tuple[TurnFeatures, TurnDecision]]
    mel: HalfArray
    timeline: Timeline
    silence_mel: float = SILENT_MEL
    prefix_ids: tuple[int, ...] = ()
    frame_ids: IdArray | None = None
    slot_ids: IdArray | None = None


def user_track(timeline: Timeline, bank: Bank, sound: Sound) -> FloatArray:
    """What reaches the microphone, at 16 kHz."""
    num_samples = timeline.duration_ms * INPUT_RATE_HZ // 1000
    tracks = {side: np.zeros(num_samples, dtype=np.float32) for side in ("user", "other")}
    for event in timeline.events:
        if event.side != "own":
            audio = cut(utterance_of(event, bank).audio, event, INPUT_RATE_HZ)
            gain = sound.gain * 10 ** (event.gain_db / 20)
            peak = max(1e-3, float(np.abs(audio).max(initial=0.0)))
            place(tracks[event.side], audio * (gain / peak), event.onset_ms * INPUT_RATE_HZ // 1000)
    own = own_track(timeline, bank) if sound.echo else None
    has_others = any(event.side == "other" for event in timeline.events)
    return at_microphone(tracks["user"], own, sound, tracks["other"] if has_others else None)


def cut(audio: FloatArray, event: Event, rate_hz: int = OUTPUT_RATE_HZ) -> FloatArray:
    """A clip as it is heard: faded out where it was interrupted."""
    if event.cut_ms is None or event.cut_ms >= event.end_ms:
        return audio
    end = max(0, event.cut_ms - event.onset_ms) * rate_hz // 1000
    fade = min(end, CUT_FADE_MS * rate_hz // 1000)
    audio = audio[:end].copy()
    if fade:
        audio[-fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    return audio


def own_track(timeline: Timeline, bank: Bank) -> FloatArray:
    """What the model says, at 24 kHz.

    One micro-turn longer than the timeline: what the last one generates sounds after it.
    """
    duration_ms = timeline.duration_ms + MICRO_TURN_MS
    track = np.zeros(duration_ms * OUTPUT_RATE_HZ // 1000, dtype=np.float32)
    for event in timeline.events:
        if event.side == "own":
            audio = cut(utterance_of(event, bank).audio, event)
            place(track, audio, event.onset_ms * OUTPUT_RATE_HZ // 1000)
    return track


def said_pieces(event: Event, utterance: Utterance, text: Text) -> dict[int, list[int]]:
    """Pieces of an own event by the micro-turn that generates them; none after a cut."""
    first = event.onset_ms // MICRO_TURN_MS - 1
    last = -(-event.audible_end_ms // MICRO_TURN_MS) - 2
    found: dict[int, list[int]] = defaultdict(list)
    for word in utterance.words:
        time_ms = event.onset_ms + word.start_ms
        index = (time_ms + SAID_LEAD_MS) // MICRO_TURN_MS - 1
        if time_ms < event.audible_end_ms:
            found[min(max(index, first), last)] += text.encode(word.text)
    return found


def heard_pieces(event: Event, utterance: Utterance, text: Text) -> dict[int, list[int]]:
    """Pieces of a user event by the micro-turn that writes them; none of a word that was cut."""
    found: dict[int, list[int]] = defaultdict(list)
    for word in utterance.words:
        if event.onset_ms + word.end_ms > event.audible_end_ms:
            break
        end_ms = event.onset_ms + word.end_ms + HEARD_LAG_MS
        found[-(-end_ms // MICRO_TURN_MS) - 1] += text.encode(word.text)
    return found


def text_by_turn(
    timeline: Timeline, bank: Bank, text: Text
) -> tuple[dict[int, list[int]], dict[int, list[int]], dict[int, list[int]]]:
    """(heard, said, delegated) pieces by the micro-turn that may first write them."""
    heard: dict[int, list[int]] = defaultdict(list)
    said: dict[int, list[int]] = defaultdict(list)
    delegated: dict[int, list[int]] = defaultdict(list)
    for event in timeline.events:
        if event.is_written:
            lane, pieces = (said, said_pieces) if event.side == "own" else (heard, heard_pieces)
            for index, ids in pieces(event, utterance_of(event, bank), text).items():
                lane[index] += ids
    for written in timeline.written:
        said[written.onset_ms // MICRO_TURN_MS] += text.encode(written.text)
    for handed in timeline.delegated:
        ids = [*text.encode(handed.text), text.markers.end]
        delegated[handed.onset_ms // MICRO_TURN_MS] += ids
    return heard, said, delegated


def lanes(timeline: Timeline, bank: Bank, text: Text) -> tuple[list[tuple[int, ...]], BoolArray]:
    """Output text of every micro-turn; where the own voice is audible (by interval), [T + 1]."""
    num_turns = timeline.duration_ms // MICRO_TURN_MS
    is_voiced = np.zeros(num_turns + 1, dtype=bool)
    for event in timeline.events:
        if event.side == "own":
            is_voiced[
                event.onset_ms // MICRO_TURN_MS : -(-event.audible_end_ms // MICRO_TURN_MS)
            ] = True
    heard, said, delegated = text_by_turn(timeline, bank, text)
    writes = bool(timeline.written)
    lines: list[tuple[int, ...]] = []
    left: tuple[list[int], list[int], list[int]] = ([], [], [])
    for index in range(num_turns):
        left[0].extend(heard[index])
        if not is_voiced[index + 1] and not writes:
            left[1].clear()  # what was cut off is not written later
        left[1].extend(said[index])
        left[2].extend(delegated[index])
        ids, *used = lay_lanes(left[0], left[1], text.markers, delegated_ids=left[2])
        for lane, num_used in zip(left, used, strict=True):
            del lane[:num_used]
        lines.append(ids)
    return lines, is_voiced


def runs(is_voiced: BoolArray) -> list[tuple[int, int]]:
    """(first, one past the last) interval of each stretch in which the own voice is audible."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], is_voiced.astype(int), [0]])))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def voiced_mel(track: FloatArray, is_voiced: BoolArray) -> HalfArray:
    """Mel of the interval after each speaking micro-turn, [T, F, M] float16; silence elsewhere."""
    num_turns = len(is_voiced) - 1
    mel = np.full((num_turns, MEL_FRAMES, NUM_MEL_BINS), SILENT_MEL, dtype=np.float16)
    audio = torch.as_tensor(track)
    for start, end in runs(is_voiced):
        region = output_mel(audio[start * OUTPUT_SAMPLES : (end + 1) * OUTPUT_SAMPLES])
        frames = region[: (end - start) * MEL_FRAMES].numpy().astype(np.float16)
        parts = frames.reshape(end - start, MEL_FRAMES, NUM_MEL_BINS)
        first = max(start, 1)  # nothing generates what sounds in the first interval
        mel[first - 1 : end - 1] = parts[first - start :]
    return mel


def voiced_bins(track: FloatArray, is_voiced: BoolArray) -> list[Tensor | None]:
    """Bins of what was said in each interval, [A, M] each; None where nothing was.

    Before a stretch the track is silent, so that each stretch starts from a fresh state.
    """
    found: list[Tensor | None] = [None] * len(is_voiced)
    audio = torch.as_tensor(track)
    for start, end in runs(is_voiced):
        bins, _ = said_bins(audio[start * OUTPUT_SAMPLES : end * OUTPUT_SAMPLES], SaidState())
        found[start:end] = bins.view(end - start, AUDIO_FRAMES, NUM_MEL_BINS)
    return found


def typed_by_turn(timeline: Timeline, text: Text) -> dict[int, tuple[int, ...]]:
    """Token ids of span 3 by micro-turn."""
    markers = text.markers
    roles = {
        "system": markers.message_system,
        "user": markers.message_user,
        "tool": markers.message_tool,
    }
    found: dict[int, tuple[int, ...]] = defaultdict(tuple)
    for typed in timeline.typed:
        message = typed_message(roles[typed.role], text.encode(typed.text), markers)
        found[typed.onset_ms // MICRO_TURN_MS] += message
    return found


def patches_at(timeline: Timeline, index: int) -> Tensor | None:
    """Patches of the image pair that closes in a micro-turn: every second one, while there is a
    scene."""
    start_ms = (index - 1) * MICRO_TURN_MS
    first_ms, last_ms = timeline.scene_ms
    if timeline.scene is None or index % 2 == 0 or not first_ms <= start_ms < last_ms:
        return None
    pair = [timeline.scene.image(start_ms), timeline.scene.image(start_ms + IMAGE_PERIOD_MS)]
    return image_patches(torch.as_tensor(np.stack(pair)))


def render(timeline: Timeline, bank: Bank, text: Text, sound: Sound) -> Episode:
    """All micro-turns of a timeline."""
    num_turns = timeline.duration_ms // MICRO_TURN_MS
    user = torch.as_tensor(user_track(timeline, bank, sound))
    heard, _ = heard_bins(user, HeardState(), sound.tract)
    fine = fine_bins(user, HeardState(), sound.tract)
    own = own_track(timeline, bank)
    lines, is_voiced = lanes(timeline, bank, text)
    said, typed = voiced_bins(own, is_voiced), typed_by_turn(timeline, text)
    turns: list[tuple[TurnFeatures, TurnDecision]] = []
    for index in range(num_turns):
        frames = slice(index * AUDIO_FRAMES, (index + 1) * AUDIO_FRAMES)
        patch_P, ids = patches_at(timeline, index), typed.get(index, ())
        features = TurnFeatures(index, heard[frames], said[index], patch_P, ids, fine[frames])
        turns.append((features, TurnDecision(lines[index], bool(is_voiced[index + 1]))))
    prefix: tuple[int, ...] = ()
    if timeline.instructions:
        ids = text.encode(timeline.instructions)
        prefix = typed_message(text.markers.message_system, ids, text.markers)
    return Episode(
        turns,
        voiced_mel(own, is_voiced),
        timeline,
        prefix_ids=prefix,
        frame_ids=heard_frames(timeline, bank, text),
        slot_ids=said_slots(timeline, bank, text),
    )
