"""What each disease weighs before anything is known of the case: by rarity and by differentials.

Constants and counts of the knowledge base alone, never counted from cases. A disease that many
others are mistaken for stands in many differentials, so a case that is brought to one is more
often it: the prior is proportional to one plus the number of entries that name it as their mimic.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from knowledge.entry import Entry

# How often a case that is brought to a differential turns out to be one entry of the class. The
# gap is far narrower than between the prevalences (1 : 100 : 10,000), because the common and
# typical is seldom brought.
_OF_RARITY: Mapping[str, float] = {"rare": 1.0, "uncommon": 2.0, "common": 2.0}
OTHER_PRIOR = 0.25  # the share, before any finding, of diseases that have no entry


def log_priors(entries: Sequence[Entry]) -> Mapping[str, NDArray[np.float64]]:
    """(entries,) ln ratios against the average entry, by what they stand on: they add up.

    "rarity", and "differentials" for the number of other entries that name it. The mean weight
    over all entries is one.
    """
    if not entries:
        return {}
    named = Counter(id for entry in entries for id in {m.id for m in entry.mimics} - {entry.id})
    rarity = np.array([_OF_RARITY[entry.rarity] for entry in entries])
    weights = rarity * np.array([1.0 + named[entry.id] for entry in entries])
    of_rarity = np.log(rarity / rarity.mean())
    return {"rarity": of_rarity, "differentials": np.log(weights / weights.mean()) - of_rarity}
