//! Text templates: what people read in a letter, by kind and language.
//!
//! A template is named `<kind>.<language>.<format>`: `task-created.zh.txt`. The formats are `txt`,
//! whose first line is the title, `html` and `md`. One in `destinations/<id>/` is for letters to that
//! destination, one in `channels/<kind>/` for those by that kind of channel, others are for all. What an
//! operator does not write is built in: `letter.en.txt` and its five siblings, which fit every kind of
//! letter. Everything in a letter may come from a device, so HTML and Markdown are escaped by
//! themselves, templates read no files, and steps and sizes are bounded.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};
use serde_json::{Value, json};

use self::values::{clean, values};
use super::letter::Text;

mod values;

/// The languages letters are written in.
pub const LANGUAGES: [&str; 2] = ["en", "zh"];

/// The folder of templates for one destination each.
pub const DESTINATIONS: &str = "destinations";
/// The folder of templates for one kind of channel each.
pub const CHANNELS: &str = "channels";

/// The formats of templates.
const FORMATS: [&str; 3] = ["txt", "html", "md"];
/// The name of the template that fits every kind.
const ANY: &str = "letter";

/// The kinds of letters with what they are called in English and Chinese.
pub const HEADLINES: &[(&str, &str, &str)] = &[
    ("advice-amended", "Stocking advice changed", "备货建议有变化"),
    ("advice-created", "Stocking advice", "备货建议"),
    ("advice-firmed", "Stocking advice agreed on", "备货建议已确认"),
    ("advice-superseded", "Stocking advice changed", "备货建议有变化"),
    ("advice-withdrawn", "Stocking advice withdrawn", "备货建议已撤回"),
    ("booking-created", "Meeting with a consultant", "与技术顾问的会面"),
    ("coupon-issued", "A coupon for you", "您的优惠券"),
    ("deal-opened", "New deal", "新商机"),
    ("approval-asked", "Please decide on an approval", "请审批"),
    ("approval-decided", "An approval was decided", "审批已有结果"),
    ("digest", "Tasks", "任务汇总"),
    ("promise-late", "A promised delivery is late", "承诺的交付已超时"),
    ("promise-signed", "Delivery promised: make a work order", "已承诺交付：请建立工单"),
    ("forecast-drifted", "Forecasts have drifted", "预测出现偏差"),
    ("requirement-amended", "Requirement changed", "需求有变化"),
    ("requirement-created", "New requirement", "新需求"),
    ("requirement-withdrawn", "Requirement withdrawn", "需求已撤回"),
    ("task-accepted", "Task accepted", "任务已接受"),
    ("task-amended", "Task changed", "任务有变化"),
    ("task-contradicted", "Late data speaks against this task", "迟到的数据与此任务不符"),
    ("task-created", "New task", "新任务"),
    ("task-dismissed", "Task dismissed", "任务已放弃"),
    ("task-done", "Task done", "任务已完成"),
    ("task-escalated", "Task overdue, please step in", "任务超时，请介入"),
    ("task-handed-over", "A task is yours now", "任务已移交给您"),
    ("task-silent", "Nobody is working on this task", "任务无人跟进"),
    ("task-withdrawn", "Task withdrawn", "任务已撤回"),
];

const BUILT_IN: [(&str, &str); 6] = [
    ("letter.en.html", include_str!("template/letter.en.html")),
    ("letter.en.md", include_str!("template/letter.en.md")),
    ("letter.en.txt", include_str!("template/letter.en.txt")),
    ("letter.zh.html", include_str!("template/letter.zh.html")),
    ("letter.zh.md", include_str!("template/letter.zh.md")),
    ("letter.zh.txt", include_str!("template/letter.zh.txt")),
];

/// How large a template may be, in bytes.
const SOURCE_MAX: usize = 64 << 10;
/// How large what comes out of it may be, in bytes.
const RENDERED_MAX: usize = 128 << 10;
/// How many steps rendering may take.
const STEPS_MAX: u64 = 100_000;
/// How long a title may be, in characters.
const TITLE_MAX: usize = 200;

/// The templates in use: those built in, and an operator's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Templates {
    own: BTreeMap<String, String>,
}

/// Where a letter goes, as far as templates are chosen by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place<'p> {
    /// The kind of the channel: `email`.
    pub channel: &'p str,
    /// The destination's id.
    pub destination: &'p str,
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template {file}{}: {what}", line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub struct TemplateError {
    /// The template's file name.
    pub file: String,
    /// The line in it, from 1.
    pub line: Option<usize>,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl Templates {
    /// Takes an operator's `own` templates, texts by file name, with the folder in which it stands
    /// before it and a slash between: `channels/email/letter.en.html`. Each is preferred to what is
    /// built in.
    ///
    /// Fails at a name that is no template's, a text that is too large, or one that is not
    /// understood.
    pub fn new(own: BTreeMap<String, String>) -> Result<Self, TemplateError> {
        for (file, source) in &own {
            check_name(file)?;
            if SOURCE_MAX < source.len() {
                let what = format!("it has {} bytes; at most {SOURCE_MAX}", source.len());
                return Err(TemplateError { file: file.clone(), line: None, what });
            }
            let environment = environment();
            environment
                .template_from_named_str(file, source)
                .map_err(|error| explain(file, &error))?;
        }
        Ok(Self { own })
    }

    /// Fills each template with a sample, one for every kind it fits, and returns what went wrong.
    pub fn check(&self) -> Vec<TemplateError> {
        let mut wrong: Vec<TemplateError> = Vec::new();
        for (file, source) in &self.own {
            let mut name = file.rsplit('/').next().unwrap_or_default().split('.');
            let (kind, language) = (name.next().unwrap_or_default(), name.next().unwrap_or("en"));
            let kinds = HEADLINES.iter().map(|(known, ..)| *known);
            for kind in kinds.filter(|known| kind == ANY || kind == *known) {
                let values = all_values(kind, language, &sample(kind));
                let found = fill(file, source, &values).err();
                wrong.extend(found.filter(|error| !wrong.contains(error)));
            }
        }
        wrong
    }

    /// Returns the template that is most to the point, and its name: of the destination's own, then of
    /// the channel's, then of those for all, the one for `kind`, else the one for any; then the one
    /// built in.
    fn find(
        &self,
        place: Place<'_>,
        (kind, language, format): (&str, &str, &str),
    ) -> Option<(&str, &str)> {
        let folders = [
            format!("{DESTINATIONS}/{}/", place.destination),
            format!("{CHANNELS}/{}/", place.channel),
            String::new(),
        ];
        let names = folders.iter().flat_map(|folder| {
            [kind, ANY].map(|kind| format!("{folder}{kind}.{language}.{format}"))
        });
        let mut own = names.filter_map(|name| self.own.get_key_value(&name));
        if let Some((file, source)) = own.next() {
            return Some((file, source));
        }
        let name = format!("{ANY}.{language}.{format}");
        BUILT_IN.into_iter().find(|(file, _)| *file == name)
    }
}

/// Returns what people read in a letter of `letter_kind` to `place` about `body`, in `language`: `zh`
/// and its variants, else English.
///
/// Members of `body` that are missing are empty; times are those of its `zone`, else UTC. Fails
/// where an operator's template names what does not exist, or grows beyond its bounds.
pub fn render(
    templates: &Templates,
    place: Place<'_>,
    letter_kind: &str,
    language: &str,
    body: &Value,
) -> Result<Text, TemplateError> {
    let is_zh = language.split(['-', '_']).next().is_some_and(|l| l.eq_ignore_ascii_case("zh"));
    let language = if is_zh { "zh" } else { "en" };
    let values = all_values(letter_kind, language, body);
    let rendered = |format: &str| match templates.find(place, (letter_kind, language, format)) {
        Some((file, source)) => fill(file, source, &values).map(Some),
        None => Ok(None),
    };
    let text = rendered("txt")?.unwrap_or_default();
    let (title, plain) = text.trim_start().split_once('\n').unwrap_or((&text, ""));
    Ok(Text {
        language: language.to_owned(),
        title: clean(title.trim()).chars().take(TITLE_MAX).collect(),
        plain: format!("{}\n", plain.trim()),
        html: rendered("html")?,
        markdown: rendered("md")?,
    })
}

/// Returns everything that a template of `kind` may name.
fn all_values(kind: &str, language: &str, body: &Value) -> Value {
    let mut values = values(body, language);
    values.insert("event".to_owned(), json!(clean(kind)));
    values.insert("headline".to_owned(), json!(headline(kind, language)));
    Value::Object(values)
}

/// Returns what letters of `kind` are called in `language`.
fn headline(kind: &str, language: &str) -> &'static str {
    let found = HEADLINES.iter().find(|(known, ..)| *known == kind);
    let (_, en, zh) = found.unwrap_or(&("", "Notice", "通知"));
    if language == "zh" { zh } else { en }
}

fn fill(file: &str, source: &str, values: &Value) -> Result<String, TemplateError> {
    let environment = environment();
    let template = environment.template_from_named_str(file, source);
    let template = template.map_err(|error| explain(file, &error))?;
    let mut rendered = Bounded(Vec::new());
    let values = minijinja::Value::from(minijinja::value::Serde(values));
    match template.render_captured_to(values, &mut rendered) {
        Ok(_) => Ok(String::from_utf8_lossy(&rendered.0).into_owned()),
        Err(error) => Err(explain(file, &error)),
    }
}

/// Returns an environment without loaders, so that a template reaches nothing but its values.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(STEPS_MAX));
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| match name.rsplit_once('.') {
        Some((_, "html")) => AutoEscape::Html,
        Some((_, "md")) => AutoEscape::Custom(MARKDOWN.into()),
        _ => AutoEscape::None,
    });
    environment.set_formatter(format);
    environment
}

const MARKDOWN: &str = "markdown";

/// Writes `value` as its format needs it; nothing for what is missing.
fn format(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &minijinja::Value,
) -> Result<(), Error> {
    if value.is_none() {
        return Ok(());
    }
    match state.auto_escape() {
        AutoEscape::Custom(_) if !value.is_safe() => {
            out.write_str(&escape_markdown(&value.to_string())).map_err(Error::from)
        }
        AutoEscape::Custom(_) => write!(out, "{value}").map_err(Error::from),
        AutoEscape::None | AutoEscape::Html => minijinja::escape_formatter(out, state, value),
        _ => Err(Error::new(ErrorKind::InvalidOperation, "unknown format")),
    }
}

/// Returns `text` so that Markdown shows it as it is: no links, tags, mentions or emphasis.
pub fn escape_markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '#' | '!' | '|' | '~' => {
                escaped.push('\\');
                escaped.push(c);
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

/// A buffer that takes up to [`RENDERED_MAX`] bytes.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if RENDERED_MAX < self.0.len() + piece.len() {
            return Err(io::Error::other(format!("more than {RENDERED_MAX} bytes come out of it")));
        }
        self.0.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn check_name(file: &str) -> Result<(), TemplateError> {
    let wrong = |what: String| Err(TemplateError { file: clean(file), line: None, what });
    let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
    let is_place = match folder.split('/').collect::<Vec<_>>()[..] {
        [DESTINATIONS | CHANNELS, whose] => !whose.is_empty() && !whose.starts_with('.'),
        [""] => true,
        _ => false,
    };
    if !is_place {
        return wrong(format!(
            "no letter finds a template here; it stands in the folder itself, in \
             {DESTINATIONS}/<id>, or in {CHANNELS}/<kind>"
        ));
    }
    let mut parts = name.split('.');
    let (Some(kind), Some(language), Some(format), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return wrong(
            "a template is named <kind>.<language>.<format>: task-created.zh.txt".to_owned(),
        );
    };
    if !LANGUAGES.contains(&language) {
        return wrong(format!("'{}' is no language of letters; use en or zh", clean(language)));
    }
    if !FORMATS.contains(&format) {
        return wrong(format!("'{}' is no format; use txt, html or md", clean(format)));
    }
    if kind != ANY && !HEADLINES.iter().any(|(known, ..)| *known == kind) {
        let known: Vec<_> = HEADLINES.iter().map(|(known, ..)| *known).collect();
        let known = known.join(", ");
        return wrong(format!("'{}' is no kind of letter; use {ANY}, {known}", clean(kind)));
    }
    Ok(())
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the kinds are not ours, and many")]
fn explain(file: &str, error: &Error) -> TemplateError {
    let advice = match error.kind() {
        ErrorKind::UndefinedError => "it names a value that letters do not have".into(),
        ErrorKind::OutOfFuel => format!("it takes more than {STEPS_MAX} steps").into(),
        ErrorKind::WriteFailure => format!("more than {RENDERED_MAX} bytes come out of it").into(),
        kind => Cow::Owned(kind.to_string()),
    };
    let what = match error.detail() {
        Some(detail) => format!("{advice}: {}", clean(detail)),
        None => advice.into_owned(),
    };
    TemplateError { file: file.to_owned(), line: error.line(), what }
}

/// Returns the body of an invented letter of `kind`, with every member.
pub fn sample(kind: &str) -> Value {
    let mut body = json!({
        "rule": "charger-care",
        "title": {"en": "Charging failed three times", "zh": "连续三次充电失败"},
        "device": "EVSE-0042", "account": "northside", "owner": "mei",
        "steps": ["send_coupon", "book_consultant"],
        "due_at": "2026-01-20T10:00:00Z", "at": "2026-01-20T08:00:00Z",
        "first_at": "2026-01-20T07:10:00Z", "last_at": "2026-01-20T08:00:00Z",
        "evidence": ["e1", "e2", "e3"], "joined": 2, "reason": "late-evidence",
        "brief": {"en": "Nobody has taken it on.", "zh": "尚未接手。"},
        "url": "https://upturn.example/tasks/t2", "account_name": "Northside Charging",
        "owner_name": "Mei Lin", "priority": "high", "text": "Quote by Friday", "zone": "Asia/Shanghai",
        "product": "VENT-12", "quantity": "8", "from": "A", "to": "B",
        "ship_on": "2026-01-26", "arrive_on": "2026-01-27",
        "amount": "52000.00", "currency": "USD",
    });
    if let (DIGEST, Some(members)) = (kind, body.as_object_mut()) {
        let mut one = members.clone();
        one.insert("event".to_owned(), json!("task-created"));
        members.insert("count".to_owned(), json!(2));
        members.insert("letters".to_owned(), json!([one, one]));
    }
    body
}

/// The kind of letters that hold others.
const DIGEST: &str = "digest";

#[cfg(test)]
mod tests;
