# SPDX-License-Identifier: GPL-2.0-only
# A text as the lines of a C string literal.
s/[\\"]/\\&/g
s/.*/"&\\n"/
