# SPDX-License-Identifier: MIT
"""Starts the planted programs, takes their cores, and compares answers with their truth."""
