"""The one table of arms. A new arm is a function from the person's Choice to an Arm, and a line."""

from __future__ import annotations

from collections.abc import Mapping

from evals.arms.arm import MakeArm
from evals.arms.offline import offline_arm
from evals.arms.planner_alone import planner_alone_arm, planner_alone_images_arm
from evals.arms.prior import prior_arm

ARMS: Mapping[str, MakeArm] = {
    "planner-alone": planner_alone_arm,
    "planner-alone-images": planner_alone_images_arm,
    "offline": offline_arm,
    "prior": prior_arm,
}
