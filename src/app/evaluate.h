// The parts of `fewlabel evaluate`; app.h's evaluate() chooses among them.
#pragma once
#include "app/app.h"
#include "app/setup.h"
#include "eval/saved_method.h"

namespace fewlabel {

/// `--probe`: frozen features, or the pixels themselves where the run is called "pixels".
Json evaluate_probes(const EvaluateRequest& request);
/// `--judge`: samples beside real examples, on features of a classifier.
Json evaluate_samples(const EvaluateRequest& request);

/// The data to evaluate on: those of the run, or others, brought into the layout that the method wants; null: into
/// one that suits them.
PreparedData data_to_judge(const EvaluateRequest& request, const LoadedMethod* method);
/// Adds what was found to probes.json of the run.
void keep_findings(const std::string& run, const std::string& name, const Json& found);

}  // namespace fewlabel
