// Telling a test from what was taught: what a run learnt from is kept in its model/ folder, and evaluation asks there.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/setup.h"
#include "eval/initial.h"
#include "eval/learnt.h"
#include "fewlabel/config.h"
#include "fewlabel/method.h"

namespace fewlabel {

/// Writes what `method` learnt from into its model/ folder; with it what those weights had learnt from that it started
/// with, where they say it. Throws Error{storage}, Error{interrupted or terminated}.
void keep_learnt(const std::filesystem::path& model, const PreparedData& data, const Method& method,
                 const InitialNet* initial);

/// Labelled examples, by what the run knew of them.
struct ToldApart {
  Pool judged;                      // what may judge: never taught with its label
  std::vector<bool> without_label;  // of those: learnt from, without the label
  int64_t left_out = 0;             // learnt from with the label
};
ToldApart tell_apart(const Pool& pool, const ExampleStore& store, const LearntExamples& learnt);

/// What `evaluate` adds: left_out, and where some were learnt from without their label and others never seen, the
/// accuracy on both: learnt_unlabelled and unseen, {examples, accuracy, accuracy_low, accuracy_high}. `correct`: of
/// each judged example; `notes`: sentences that say it. Without `learnt` a note that it cannot be told.
Json learnt_figures(const ToldApart& told, const std::vector<bool>& correct,
                    const std::optional<LearntExamples>& learnt);

}  // namespace fewlabel
