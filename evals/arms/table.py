"""The one table of arms. A new arm is a function from the person's Choice to an Arm, and a line."""

from __future__ import annotations

from collections.abc import Mapping

from evals.arms.agent import (
    agent_arm,
    agent_no_knowledge_arm,
    agent_no_loop_arm,
    agent_no_vision_arm,
    offline_arm,
)
from evals.arms.arm import MakeArm
from evals.arms.planner_alone import planner_alone_arm, planner_alone_images_arm
from evals.arms.prior import prior_arm
from evals.arms.search import bm25_arm, dense_arm
from evals.arms.vision_alone import vision_alone_arm

ARMS: Mapping[str, MakeArm] = {
    "agent": agent_arm,
    "agent-no-knowledge": agent_no_knowledge_arm,
    "agent-no-vision": agent_no_vision_arm,
    "agent-no-loop": agent_no_loop_arm,
    "planner-alone": planner_alone_arm,
    "planner-alone-images": planner_alone_images_arm,
    "vision-alone": vision_alone_arm,
    "offline": offline_arm,
    "bm25": bm25_arm,
    "dense": dense_arm,
    "prior": prior_arm,
}
