#include "report/sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/text.h"
#include "report/charts.h"
#include "report/markup.h"

namespace fewlabel {
namespace {

// "Fashion-MNIST" for fashion_mnist@100:seed=0, "photos" for /home/me/photos@40.
std::string data_title(const ReportInput& input) {
  std::string data = text_of(input.summary, "data");
  data = data.substr(0, data.find('@'));
  while (data.size() > 1 && data.back() == '/') data.pop_back();
  data = data.substr(data.find_last_of('/') + 1);
  if (data == "fashion_mnist") return "Fashion-MNIST";
  if (data == "mnist") return "MNIST";
  if (data == "cifar10") return "CIFAR-10";
  return data.empty() ? input.name : data;
}

std::string plural(double count, const std::string& one, const std::string& many) {
  return count_text(count) + " " + (count == 1 ? one : many);
}

std::string tile(const std::string& name, const std::string& value, const std::string& more = {}) {
  return fmt::format("<div class=\"tile\"><dt>{}</dt><dd>{}{}</dd></div>", name, value,
                     more.empty() ? "" : "<small>" + more + "</small>");
}

std::optional<Interval> interval_of(const Json& summary, const char* low, const char* high) {
  const auto a = number_of(summary, low), b = number_of(summary, high);
  return a && b ? std::optional(Interval{*a, *b}) : std::nullopt;
}

std::string comparison(const Json& summary, double accuracy, double baseline) {
  const double points = 100 * (accuracy - baseline);
  const auto mine = interval_of(summary, "accuracy_low", "accuracy_high");
  const auto other = interval_of(summary, "supervised_low", "supervised_high");
  std::string text = fmt::format("<b class=\"{}\">{:+.1f} points</b> against the same net taught by the labels alone",
                                 points >= 0 ? "better" : "worse", points);
  if (const auto seconds = number_of(summary, "supervised_seconds"))
    text += ", which trained for " + duration(*seconds);
  text += ".";
  if (mine && other)
    text += mine->low > other->high || other->low > mine->high
                ? " The two intervals do not overlap."
                : " The two intervals overlap: the difference may be chance.";
  return text;
}

std::string tiles(const Json& summary) {
  std::string html;
  const auto ece = number_of(summary, "ece"), better = number_of(summary, "ece_calibrated");
  if (ece)
    html += tile("Calibration error", percent_text(*ece),
                 better ? percent_text(*better) + " after temperature scaling" : "");
  if (const auto error = number_of(summary, "reconstruction_error"))
    html += tile("Reconstruction", fmt::format("{:.4f}", *error), "squared, a pixel in [0, 1]");
  if (const auto spread = number_of(summary, "embedding_spread"))
    html += tile("Feature spread", fmt::format("{:.2f}", *spread), "1 is even, 0 is collapsed");
  if (const auto rank = number_of(summary, "embedding_rank"))
    html += tile("Feature rank", fmt::format("{:.1f}", *rank), "directions in use");
  if (const auto seconds = number_of(summary, "train_seconds")) {
    const auto steps = number_of(summary, "steps");
    html += tile("Training", duration(*seconds), steps ? plural(*steps, "step", "steps") : "");
  }
  if (const auto speed = number_of(summary, "images_per_second")) html += tile("Images a second", count_text(*speed));
  if (const auto parameters = number_of(summary, "parameters"))
    html += tile("Net", escape_html(text_of(summary, "net")), short_number(*parameters) + " parameters");
  if (const auto memory = number_of(summary, "peak_memory_mb")) html += tile("Peak memory", bytes_text(*memory * 1e6));
  if (const auto seed = number_of(summary, "seed")) html += tile("Seed", fmt::format("{:.0f}", *seed));
  return html.empty() ? "" : "<dl class=\"tiles\">" + html + "</dl>";
}

/// The headline of a run without labels: what simple classifiers make of its features, beside the raw pixels.
std::string frozen_result(const Json& s) {
  const auto linear = number_of(s, "linear_accuracy"), neighbours = number_of(s, "knn_accuracy");
  const auto euclidean = number_of(s, "knn_euclidean_accuracy");
  const auto pixels = number_of(s, "pixels_knn_accuracy"), tests = number_of(s, "test_examples");
  if (!linear && !neighbours) return {};
  const auto whisker = [&](const std::string& name, int colour, double value) {
    const auto total = static_cast<int64_t>(tests.value_or(0));
    const auto right = std::llround(value * static_cast<double>(total));
    return Whisker{name, colour, value, total > 0 ? std::optional(wilson_interval(right, total)) : std::nullopt};
  };
  std::vector<Whisker> rows;
  if (linear) rows.push_back(whisker("Linear classifier", 0, *linear));
  if (neighbours) rows.push_back(whisker("Nearest neighbours by angle", 2, *neighbours));
  if (euclidean) rows.push_back(whisker("Nearest neighbours by distance", 2, *euclidean));
  if (pixels) rows.push_back(whisker("The same of raw pixels", 1, *pixels));
  std::string html = fmt::format(
      "<div class=\"hero\"><div><p class=\"big-number\">{:.1f}<small>%</small></p><p "
      "class=\"big-label\">{}<br><span>on "
      "frozen features{}</span></p></div><figure>{}</figure></div>",
      100 * linear.value_or(neighbours.value_or(0)), linear ? "linear classifier" : "nearest neighbours",
      number_of(s, "probe_labels") ? ", " + count_text(*number_of(s, "probe_labels")) + " labels" : "",
      whisker_chart(rows));
  if (euclidean && pixels) {
    const double points = 100 * (*euclidean - *pixels);
    html += fmt::format(
        "<p class=\"intro\"><b class=\"{}\">{:+.1f} points</b> by nearest neighbours against the raw pixels{}</p>",
        points > 0 ? "better" : "worse", points, points > 0 ? "." : ": so far the pixels themselves tell more.");
  }
  return html;
}

std::vector<std::string> class_names(const ReportInput& input) {
  std::vector<std::string> names;
  for (const auto& name : list_of(input.evaluation, "classes"))
    names.push_back(name.is_string() ? name.get<std::string>() : std::to_string(names.size()));
  return names;
}

// Empty unless it is square, of a size that can be shown, and made of counts.
Confusion confusion_of(const Json& json) {
  const Json& rows = list_of(json, "confusion");
  Confusion confusion;
  if (rows.size() > 1000) return {};
  for (const auto& row : rows) {
    if (!row.is_array() || row.size() != rows.size()) return {};
    auto& counts = confusion.emplace_back();
    for (const auto& count : row) {
      if (!count.is_number_integer() || count.get<int64_t>() < 0) return {};
      counts.push_back(count.get<int64_t>());
    }
  }
  return confusion;
}

struct ClassRow {
  std::string name;
  ClassFigures figures;
  std::optional<double> baseline;  // recall of the supervised net
};

std::vector<ClassRow> class_rows(const ReportInput& input, const Confusion& confusion) {
  std::vector<ClassRow> rows;
  const auto names = class_names(input);
  for (const auto& item : list_of(input.evaluation, "per_class"))
    rows.push_back({text_of(item, "name"),
                    {number_of(item, "precision").value_or(0), number_of(item, "recall").value_or(0),
                     number_of(item, "f1").value_or(0), static_cast<int64_t>(number_of(item, "support").value_or(0))},
                    std::nullopt});
  if (rows.empty())
    for (const auto& figures : class_figures(confusion))
      rows.push_back({rows.size() < names.size() ? names[rows.size()] : std::to_string(rows.size()), figures, {}});
  const Json& baseline = object_of(input.evaluation, "supervised");
  const Json& listed = list_of(baseline, "per_class");
  const auto counted = class_figures(confusion_of(baseline));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i < listed.size())
      rows[i].baseline = number_of(listed[i], "recall");
    else if (i < counted.size())
      rows[i].baseline = counted[i].recall;
  }
  return rows;
}

std::string class_table(const std::vector<ClassRow>& rows) {
  const bool baseline = std::any_of(rows.begin(), rows.end(), [](const auto& row) { return row.baseline.has_value(); });
  std::string html = fmt::format(
      "<div class=\"scroll\"><table class=\"sortable\"><thead><tr><th scope=\"col\">Class</th><th "
      "scope=\"col\">Examples"
      "</th><th scope=\"col\">Precision</th><th scope=\"col\">Recall</th>{}<th "
      "scope=\"col\">F1</th></tr></thead><tbody>",
      baseline ? "<th scope=\"col\">Supervised recall</th>" : "");
  for (const auto& row : rows) {
    const auto& f = row.figures;
    html += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{:.1f}</td><td class=\"meter\"><span><i "
        "style=\"width:{:.1f}%\"></i>"
        "</span>{:.1f}</td>",
        escape_html(row.name), count_text(static_cast<double>(f.support)), 100 * f.precision,
        std::clamp(100 * f.recall, 0.0, 100.0), 100 * f.recall);
    if (baseline)
      html += row.baseline ? fmt::format("<td>{:.1f} <small>{:+.1f}</small></td>", 100 * *row.baseline,
                                         100 * (f.recall - *row.baseline))
                           : "<td>–</td>";
    html += fmt::format("<td>{:.1f}</td></tr>", 100 * f.f1);
  }
  html += "</tbody></table></div><p class=\"note\">In per cent.";
  if (baseline) html += " The small figure is what the unlabelled examples added to the recall.";
  return html + "</p>";
}

std::string common_confusions(const std::vector<std::string>& names, const Confusion& confusion) {
  struct Pair {
    std::size_t truth, said;
    int64_t count;
    double share;
  };
  std::vector<Pair> pairs;
  for (std::size_t r = 0; r < confusion.size(); ++r) {
    int64_t total = 0;
    for (const int64_t count : confusion[r]) total += count;
    for (std::size_t c = 0; c < confusion.size(); ++c)
      if (r != c && confusion[r][c] > 0)
        pairs.push_back({r, c, confusion[r][c], static_cast<double>(confusion[r][c]) / static_cast<double>(total)});
  }
  std::stable_sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.count > b.count; });
  if (pairs.empty()) return {};
  std::string html = "<div><h3>Most often confused</h3><ol class=\"pairs\">";
  for (std::size_t i = 0; i < std::min<std::size_t>(pairs.size(), 6); ++i)
    html += fmt::format(
        "<li><span>{} <span class=\"arrow\" aria-label=\"called\">→</span> {}</span><span>{} <small>{} of the class"
        "</small></span></li>",
        escape_html(names[pairs[i].truth]), escape_html(names[pairs[i].said]),
        count_text(static_cast<double>(pairs[i].count)), percent_text(pairs[i].share, 0));
  return html + "</ol></div>";
}

std::vector<ReliabilityBin> bins_of(const Json& evaluation, const char* key) {
  std::vector<ReliabilityBin> bins;
  for (const auto& item : list_of(evaluation, key)) {
    const auto share = [&](const char* name) { return std::clamp(number_of(item, name).value_or(0), 0.0, 1.0); };
    const auto count = std::clamp(number_of(item, "count").value_or(0), 0.0, 1e15);
    bins.push_back({share("low"), share("high"), static_cast<int64_t>(count), share("confidence"), share("accuracy")});
  }
  return bins;
}

std::string diagram(const std::string& title, const std::vector<ReliabilityBin>& bins, std::optional<double> ece) {
  if (bins.empty()) return {};
  return fmt::format("<figure><figcaption><strong>{}</strong>{}</figcaption>{}</figure>", escape_html(title),
                     ece ? "<span class=\"legend\">calibration error <b>" + percent_text(*ece) + "</b></span>" : "",
                     reliability_chart(title, bins));
}

}  // namespace

std::string picture(const Json& json, const std::string& description) {
  const std::string data = text_of(json, "png_base64");
  const auto width = png_width(data);
  if (!width) return {};
  return fmt::format("<img{} alt=\"{}\" src=\"data:image/png;base64,{}\">", *width < 100 ? " class=\"px\"" : "",
                     escape_html(description), data);
}

std::string method_title(const Json& summary) {
  if (const std::string title = text_of(summary, "method_title"); !title.empty()) return title;
  const std::string name = text_of(summary, "method");
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kTitles = {
      {{"supervised", "Supervised training"},
       {"pseudo_label", "Pseudo-labelling"},
       {"fixmatch", "FixMatch"},
       {"flexmatch", "FlexMatch"},
       {"freematch", "FreeMatch"}}};
  for (const auto& [known, title] : kTitles)
    if (known == name) return std::string(title);
  return name.empty() ? "The model" : name;
}

std::string section(const std::string& id, const std::string& title, const std::string& intro,
                    const std::string& content) {
  if (content.empty()) return {};
  return fmt::format(
      "<section id=\"{0}\" aria-labelledby=\"{0}-title\"><h2 id=\"{0}-title\">{1}</h2>{2}{3}</section>\n", id, title,
      intro.empty() ? "" : "<p class=\"intro\">" + intro + "</p>", content);
}

std::string masthead(const ReportInput& input) {
  const Json& s = input.summary;
  const auto labels = number_of(s, "labels"), unlabeled = number_of(s, "unlabeled"), classes = number_of(s, "classes");
  const bool unlabelled = text_of(s, "family").starts_with("self/");
  std::string lede = "<b>" + escape_html(method_title(s)) + "</b>";
  if (unlabelled) {
    lede += " learnt from " + plural(unlabeled.value_or(0), "example", "examples") + " without a label.";
  } else if (labels) {
    lede += " learnt " + (classes ? plural(*classes, "class", "classes") : std::string("to classify")) + " from " +
            plural(*labels, "labelled example", "labelled examples");
    if (unlabeled && *unlabeled > 0) lede += " and " + count_text(*unlabeled) + " without a label";
    lede += ".";
  } else {
    lede += ".";
  }
  const auto accuracy = number_of(s, "accuracy"), tests = number_of(s, "test_examples");
  if (accuracy)
    lede += fmt::format(
        " It is right on <b>{}</b> of {}.", percent_text(*accuracy),
        tests ? plural(*tests, "test example", "test examples") + " it never saw" : std::string("the test examples"));
  if (const auto linear = number_of(s, "linear_accuracy"); linear && unlabelled)
    lede +=
        fmt::format(" A linear classifier on its frozen features is right on <b>{}</b> of {}.", percent_text(*linear),
                    tests ? plural(*tests, "test example", "test examples") : std::string("the test examples"));
  std::string html =
      fmt::format("<header><p class=\"over\">fewlabel report <span>{}</span></p><h1>{}{}</h1><p class=\"lede\">{}</p>",
                  escape_html(input.name), escape_html(data_title(input)),
                  unlabelled ? " <span>without labels</span>"
                  : labels   ? " <span>with " + plural(*labels, "label", "labels") + "</span>"
                             : "",
                  lede);
  if (input.status.state != RunState::finished)
    html += fmt::format(
        "<p class=\"warning\" role=\"note\">This run is <b>{}</b>{}. What follows is the state so far.{}</p>",
        to_string(input.status.state),
        input.status.steps > 0 ? " at step " + count_text(static_cast<double>(input.status.step)) + " of " +
                                     count_text(static_cast<double>(input.status.steps))
                               : "",
        input.status.message.empty() ? "" : " " + escape_html(input.status.message));
  return html + "</header>\n";
}

std::string result_section(const ReportInput& input) {
  const Json& s = input.summary;
  const auto accuracy = number_of(s, "accuracy"), baseline = number_of(s, "supervised_accuracy");
  std::string html;
  if (accuracy) {
    const auto interval = interval_of(s, "accuracy_low", "accuracy_high");
    std::string figure = fmt::format(
        "<div class=\"hero\"><div><p class=\"big-number\">{:.1f}<small>%</small></p>"
        "<p class=\"big-label\">accuracy",
        100 * *accuracy);
    if (interval)
      figure +=
          fmt::format("<br><span>95\u202f% interval {:.1f}–{:.1f}</span>", 100 * interval->low, 100 * interval->high);
    figure += "</p></div>";
    std::vector<Whisker> rows = {{method_title(s), 0, *accuracy, interval}};
    if (baseline) rows.push_back({"Labels alone", 1, *baseline, interval_of(s, "supervised_low", "supervised_high")});
    html += figure + "<figure>" + whisker_chart(rows) + "</figure></div>";
    if (baseline) html += "<p class=\"intro\">" + comparison(s, *accuracy, *baseline) + "</p>";
  } else {
    html += frozen_result(s);
  }
  return section("result", "Result", {}, html + tiles(s));
}

std::string labels_section(const ReportInput& input) {
  constexpr std::size_t kMost = 1000;
  std::vector<std::pair<std::string, std::string>> rows;  // class, pictures
  std::size_t shown = 0;
  for (const auto& example : list_of(input.evaluation, "label_examples")) {
    const std::string name = text_of(example, "class");
    const std::string image = picture(example, name);
    if (image.empty() || shown++ >= kMost) continue;
    auto at = std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return row.first == name; });
    if (at == rows.end()) at = rows.insert(rows.end(), {name, ""});
    at->second += image;
  }
  std::string html;
  for (const auto& [name, images] : rows)
    html += fmt::format("<div class=\"strip\"><b>{}</b><div>{}</div></div>", escape_html(name), images);
  if (html.empty()) return {};
  html = "<div class=\"strips\">" + html + "</div>";
  if (rows.size() > 24)
    html = fmt::format("<details><summary>Show the {} classes</summary>{}</details>", rows.size(), html);
  const auto labels = number_of(input.summary, "labels");
  const bool all = labels && static_cast<std::size_t>(*labels) <= shown;
  return section("labels", "What it was told",
                 all ? "These are all the labelled examples there were; everything else it had to work out."
                     : "Some of the labelled examples; everything else it had to work out.",
                 html);
}

std::string classes_section(const ReportInput& input) {
  const Confusion confusion = confusion_of(input.evaluation);
  const auto rows = class_rows(input, confusion);
  std::vector<std::string> names = class_names(input);
  for (std::size_t i = names.size(); i < confusion.size(); ++i) names.push_back(std::to_string(i));
  std::string html;
  if (!confusion.empty() && confusion.size() <= 250)
    html += "<figure class=\"heat-figure\"><div class=\"scroll\">" + heat_map(names, confusion) +
            "</div><p class=\"note\">"
            "A row holds the examples of one class, a column those called so. <i class=\"swatch hit\"></i> right, "
            "<i class=\"swatch miss\"></i> wrong; darker is a larger share of the row.</p></figure>";
  if (!confusion.empty()) html += common_confusions(names, confusion);
  if (!html.empty()) html = fmt::format("<div class=\"{}\">{}</div>", confusion.size() > 6 ? "wide" : "beside", html);
  if (!rows.empty()) {
    const std::string table = class_table(rows);
    html += rows.size() > 24
                ? fmt::format("<details><summary>Figures of all {} classes</summary>{}</details>", rows.size(), table)
                : "<h3>Class by class</h3>" + table;
  }
  return section("classes", "Where it is right and wrong", {}, html);
}

std::string trust_section(const ReportInput& input) {
  const Json& s = input.summary;
  std::string html = diagram("As trained", bins_of(input.evaluation, "reliability"), number_of(s, "ece"));
  const auto temperature = number_of(s, "temperature");
  html += diagram(temperature ? fmt::format("With temperature {:.2f}", *temperature) : "With temperature",
                  bins_of(input.evaluation, "reliability_calibrated"), number_of(s, "ece_calibrated"));
  if (html.empty()) return {};
  return section(
      "trust", "How far to trust its confidence",
      "Of the answers it gave with 80\u202f% confidence, 80\u202f% should be right: bars that reach the diagonal. "
      "<i class=\"swatch gap\"></i> is the gap; below, how often each confidence occurs.",
      "<div class=\"pair\">" + html + "</div>");
}

std::string mistakes_section(const ReportInput& input) {
  constexpr std::size_t kMost = 60;
  std::string html;
  std::size_t shown = 0;
  for (const auto& item : list_of(input.evaluation, "mistakes")) {
    if (shown++ == kMost) break;
    const std::string truth = text_of(item, "true"), said = text_of(item, "predicted"), name = text_of(item, "name");
    const auto probability = number_of(item, "probability");
    const std::string image = picture(item, truth + " taken for " + said);
    html += fmt::format(
        "<figure class=\"card\" title=\"{}\">{}<figcaption><span>{}</span><b>{}</b>{}</figcaption></figure>",
        escape_html(name), image.empty() ? "<div class=\"blank\">" + escape_html(name) + "</div>" : image,
        escape_html(truth), escape_html(said),
        probability ? "<small>" + percent_text(*probability, *probability > 0.995 ? 1 : 0) + " sure</small>" : "");
  }
  return section(
      "mistakes", "Its worst mistakes",
      "The test examples it was most sure about and got wrong: the true class, and <b class=\"wrong\">what it "
      "said</b>. Some may be errors of the labels.",
      html.empty() ? "" : "<div class=\"cards\">" + html + "</div>");
}

}  // namespace fewlabel
