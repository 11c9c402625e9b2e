// The parts of the report about what was learnt without labels: features, pictures that were made, later probes.
#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"
#include "report/charts.h"
#include "report/markup.h"
#include "report/sections.h"

namespace fewlabel {
namespace {

std::vector<std::string> names_of(const Json& list) {
  std::vector<std::string> names;
  for (const auto& name : list)
    names.push_back(name.is_string() ? name.get<std::string>() : std::to_string(names.size()));
  return names;
}

std::string figure(const std::string& title, const std::string& legend, const std::string& content,
                   const std::string& note = {}) {
  return content.empty() ? ""
                         : fmt::format("<figure><figcaption><strong>{}</strong>{}</figcaption>{}{}</figure>", title,
                                       legend.empty() ? "" : "<span class=\"legend\">" + legend + "</span>", content,
                                       note.empty() ? "" : "<p class=\"note\">" + note + "</p>");
}

std::string map_figure(const ReportInput& input) {
  const Json& map = object_of(input.evaluation, "embedding_map");
  const Json& share = list_of(map, "share");
  std::string about;
  if (share.size() == 2 && share[0].is_number() && share[1].is_number())
    about = fmt::format("{} of the variance", percent_text(share[0].get<double>() + share[1].get<double>(), 0));
  return figure("Map of the features", about,
                scatter_map(names_of(list_of(input.evaluation, "classes")), list_of(map, "points")),
                "The two main directions of the features of the judged examples (PCA). Colours are the classes, which "
                "training did not know. Point at a class to see it alone.");
}

std::string row(const std::string& name, const std::string& value, const std::string& about) {
  return fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"about\">{}</td></tr>", name, value, about);
}

/// One line of the table of later measurements.
std::string probe_rows(const std::string& probe, const Json& found) {
  const auto percent = [&](const char* key) {
    const auto value = number_of(found, key);
    return value ? percent_text(*value, 2) : std::string();
  };
  const auto labels = number_of(found, "probe_labels");
  const std::string on =
      escape_html(text_of(found, "data")) + (labels ? ", " + count_text(*labels) + " labels" : std::string());
  if (probe == "knn")
    return row("Nearest neighbours, cosine", percent("knn_accuracy"), on) +
           row("Nearest neighbours, Euclidean", percent("knn_euclidean_accuracy"), on);
  if (probe == "linear") return row("Linear classifier", percent("linear_accuracy"), on);
  if (probe == "cluster")
    return row("Clusters matched to classes", percent("cluster_accuracy"), escape_html(text_of(found, "data")));
  if (const auto error = number_of(found, "reconstruction_error"); error && probe == "reconstruction")
    return row("Reconstruction error", fmt::format("{:.4f}", *error), "squared, a pixel in [0, 1]");
  if (probe.starts_with("finetune"))
    return row("Fine-tuned with " + escape_html(probe.substr(probe.find('@') + 1)) + " labels",
               percent("finetune_accuracy"), "from scratch " + percent("scratch_accuracy"));
  return {};
}

std::string histogram(const Json& samples, const char* key) {
  double most = 1;
  for (const auto& item : list_of(samples, key)) most = std::max(most, number_of(item, "count").value_or(0));
  std::string html;
  for (const auto& item : list_of(samples, key)) {
    const double count = std::max(0.0, number_of(item, "count").value_or(0));
    html += fmt::format(
        "<tr><th scope=\"row\">{}</th><td class=\"meter\"><span><i style=\"width:{:.1f}%\"></i></span>{}</td></tr>",
        escape_html(text_of(item, "class")), 100 * count / most, count_text(count));
  }
  return html.empty() ? "" : "<div class=\"scroll\"><table class=\"bars\"><tbody>" + html + "</tbody></table></div>";
}

std::string quality(const Json& samples) {
  const Json &ours = object_of(samples, "samples"), &real = object_of(samples, "real");
  if (!number_of(ours, "frechet_distance")) return {};
  const std::string judge = escape_html(text_of(samples, "judge"));
  std::string html = fmt::format("<h3>Quality of {} samples, judged by {}</h3>",
                                 count_text(number_of(samples, "count").value_or(0)), judge);
  const auto line = [&](const char* name, const char* key, bool share) {
    const auto text = [&](const Json& from) {
      const auto value = number_of(from, key);
      return !value ? std::string("–") : share ? percent_text(*value) : fmt::format("{:.3g}", *value);
    };
    return fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>", name, text(ours), text(real));
  };
  html +=
      "<div class=\"scroll\"><table><thead><tr><th scope=\"col\"></th><th scope=\"col\">Samples</th>"
      "<th scope=\"col\">Real examples</th></tr></thead><tbody>" +
      line(("Fréchet distance on features of " + judge).c_str(), "frechet_distance", false) +
      line("Precision", "precision", true) + line("Recall", "recall", true) + "</tbody></table></div>";
  html +=
      "<p class=\"note\">Against held-out real examples; the column on the right is as many training examples. "
      "Distances depend on the judge and on how many samples there are: compare them with no others.</p>";
  html += "<div class=\"pair\">" + figure("Classes of the samples", {}, histogram(samples, "sample_classes")) +
          figure("Classes of as many real examples", {}, histogram(samples, "real_classes")) + "</div>";
  return html;
}

}  // namespace

std::string features_section(const ReportInput& input) {
  std::string html = map_figure(input);
  std::string rows;
  if (input.probes.is_object())
    for (const auto& [probe, found] : input.probes.items()) rows += probe_rows(probe, found);
  if (!rows.empty())
    html += "<div><h3>Measured later</h3><div class=\"scroll\"><table class=\"probes\"><tbody>" + rows +
            "</tbody></table></div></div>";
  return section("features", "What its features hold", {}, html);
}

std::string pictures_section(const ReportInput& input) {
  std::string html;
  const std::string rebuilt = picture(object_of(input.evaluation, "reconstructions"), "originals above, rebuilt below");
  if (!rebuilt.empty())
    html += figure("Reconstructions", {}, "<div class=\"sheet\">" + rebuilt + "</div>",
                   "Above: examples it did not learn from. Below: what it makes of them.");
  const std::string last = picture(object_of(input.evaluation, "samples"), "samples");
  if (!last.empty()) html += figure("Samples", {}, "<div class=\"sheet\">" + last + "</div>", "Drawn, not chosen.");
  std::string over_time;
  for (const auto& [step, png] : input.samples)
    over_time += fmt::format("<figure>{}<figcaption>step {}</figcaption></figure>",
                             picture({{"png_base64", png}}, "samples at step " + std::to_string(step)),
                             count_text(static_cast<double>(step)));
  if (!over_time.empty()) html += "<h3>Samples as it learnt</h3><div class=\"over-time\">" + over_time + "</div>";
  if (input.probes.is_object()) html += quality(object_of(input.probes, "samples"));
  return section("pictures", "What it makes", {}, html);
}

std::string stages_section(const ReportInput& input) {
  std::string rows;
  for (const auto& stage : list_of(input.summary, "stages")) {
    const auto accuracy = number_of(stage, "accuracy"), linear = number_of(stage, "linear_accuracy");
    const auto labels = number_of(stage, "labels"), steps = number_of(stage, "steps");
    const auto seconds = number_of(stage, "train_seconds");
    rows += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                        escape_html(text_of(stage, "method_title")), labels ? count_text(*labels) : "–",
                        steps ? count_text(*steps) : "–", seconds ? duration(*seconds) : "–",
                        accuracy ? percent_text(*accuracy)
                        : linear ? percent_text(*linear) + " <small>linear probe</small>"
                                 : "–");
  }
  if (rows.empty()) return {};
  return section("stages", "Stages", "Each stage starts from the weights of the one before.",
                 "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Stage</th><th scope=\"col\">Labels</th>"
                 "<th scope=\"col\">Steps</th><th scope=\"col\">Time</th><th scope=\"col\">Accuracy</th></tr></thead>"
                 "<tbody>" +
                     rows + "</tbody></table></div>");
}

}  // namespace fewlabel
