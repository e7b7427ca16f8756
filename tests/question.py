"""A question of a person's own, for tests: whether a hidden layer helps to learn blobs."""

from __future__ import annotations

SWEEP = """# @package _global_
defaults: [override /data: blobs]
data: {examples: 120}
network: {width: 4}
training: {epochs: 1}
hydra: {sweeper: {params: {network.depth: "0,1", seed: range(12)}}}
"""
CLAIM = """
from workbench.claims import Arm, Claim, Paired

def depth(number):
    return Arm(f"depth {number}", {"network.depth": number})

CLAIMS = [Claim("Q1", "Deeper is better.", "Mine",
                Paired("last_train_accuracy", depth(1), depth(0), 0.0, "higher", tuple(range(12))))]
"""
