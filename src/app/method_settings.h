// The settings that come with a method.
#pragma once
#include "fewlabel/config.h"

namespace fewlabel {

/// The recipe with what its method brings along wherever it says nothing itself: MethodInfo::settings and, in a short
/// run (kLongRun), MethodInfo::short_settings, which go before those. A recipe that names no method is left alone.
Json with_method_settings(const Json& recipe);

}  // namespace fewlabel
