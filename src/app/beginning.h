// What a run begins with that says nothing of it: a known encoder, or a look through the unlabelled examples.
#pragma once
#include <optional>
#include <vector>

#include "app/recipe_stages.h"
#include "encoders/encoders.h"
#include "plan/resolve.h"

namespace fewlabel {

/// Who asks for a model of texts or of recordings and says no more gets one that has gone through the unlabelled ones:
/// from nothing, a net learns from a handful of labelled texts little more than which words occurred, and of a word
/// what two speakers made of it.
bool reads_first(const StageRecipe& recipe, const PlanFacts& facts);

/// What each word is like takes seconds to learn and is most of what there is to gain (docs/decisions/0015); of a net
/// that reads words in their order, which was asked for by name, the rest is learnt as well. Two views of a recording
/// are one word by two voices (docs/decisions/0020).
std::vector<StageRecipe> with_reading(const StageRecipe& recipe, Kind kind);

/// The known encoder that who says nothing of net and method gets, where one is installed and the examples are like
/// those that it learnt from.
std::optional<EncoderCard> fitting_encoder(const StageRecipe& recipe, const PlanFacts& facts);

/// The method of who names none and starts from an encoder of texts: setfit where tuning it fits into the minutes, and
/// the folds of an estimate, else best_head; with the reason. Seconds are predicted from a step that is taken for it.
/// `config` names the encoder. None for other kinds of data.
std::optional<MethodChoice> tuning_choice(TrainConfig config, const PlanFacts& facts, int64_t folds);

}  // namespace fewlabel
