#pragma once
// CPU instructions that Swift has no words for. Each use names its portable twin.
#include "sha256.h"
#include "scan.h"
#include "prose.h"
