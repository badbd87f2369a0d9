//! What people read of a letter, where no template says more: the task's title and a plain listing.

use serde_json::Value;
use upturn_connectors::deliver::letter::Text;
use upturn_core::task::Title;

/// What a listing names, in its order: members of the body with their words in English and Chinese.
const LISTED: [(&str, &str, &str); 8] = [
    ("account_name", "Customer", "客户"),
    ("device", "Device", "设备"),
    ("owner_name", "Owner", "负责人"),
    ("due_at", "Due", "截止"),
    ("steps", "Steps", "步骤"),
    ("priority", "Priority", "优先级"),
    ("text", "Text", "内容"),
    ("url", "More", "详情"),
];

/// How long a line is at most, in characters.
const LINE_MAX: usize = 500;

/// Returns the letter of `kind` about `body` in `language`, `en` or `zh`, as plain text.
pub(crate) fn render(kind: &str, language: &str, body: &Value) -> Text {
    let is_chinese = language == "zh";
    let event = event(kind, is_chinese);
    let title = match body.get("letters").and_then(Value::as_array) {
        Some(letters) => format!("{event}: {}", letters.len()),
        None => format!("{event}: {}", title(body, language)),
    };
    let mut lines = Vec::new();
    for letter in body.get("letters").and_then(Value::as_array).into_iter().flatten() {
        let kind = letter.get("event").and_then(Value::as_str).unwrap_or_default();
        let told = self::event(kind, is_chinese);
        lines.push(line(&format!("- {told}: {}", self::title(letter, language))));
    }
    for (name, en, zh) in LISTED {
        let Some(value) = body.get(name).and_then(words) else { continue };
        lines.push(line(&format!("{}: {value}", if is_chinese { zh } else { en })));
    }
    Text {
        language: language.to_owned(),
        title: line(&title),
        plain: lines.join("\n"),
        html: None,
        markdown: None,
    }
}

fn title(body: &Value, language: &str) -> String {
    let title: Title =
        body.get("title").cloned().and_then(|t| serde_json::from_value(t).ok()).unwrap_or_default();
    title.in_language(language).to_owned()
}

fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Array(items) if !items.is_empty() => {
            let items: Vec<_> = items.iter().filter_map(Value::as_str).collect();
            Some(items.join(", "))
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => None,
    }
}

/// Returns `text` in one line: it holds what devices sent.
fn line(text: &str) -> String {
    let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    shown.take(LINE_MAX).collect()
}

fn event(kind: &str, is_chinese: bool) -> &str {
    let (en, zh) = match kind {
        "task-created" => ("New task", "新任务"),
        "task-amended" => ("Task amended", "任务更新"),
        "task-withdrawn" => ("Task withdrawn", "任务撤回"),
        "task-contradicted" => ("Task contradicted", "任务依据不成立"),
        "task-accepted" => ("Task accepted", "任务已接受"),
        "task-done" => ("Task done", "任务已完成"),
        "task-dismissed" => ("Task dismissed", "任务已放弃"),
        "requirement-created" => ("Request", "需求"),
        "digest" => ("Tasks", "任务汇总"),
        other => (other, other),
    };
    if is_chinese { zh } else { en }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_what_is_known_in_the_language_and_on_lines_of_its_own() {
        let body = json!({
            "title": {"en": "Failed\nthree times", "zh": "连续三次"}, "device": "evse-1",
            "steps": ["send_coupon", "book"], "due_at": null, "account_name": "Nord",
        });
        let text = render("task-created", "en", &body);
        assert_eq!(text.title, "New task: Failed three times");
        assert_eq!(text.plain, "Customer: Nord\nDevice: evse-1\nSteps: send_coupon, book");
        let text = render("task-done", "zh", &body);
        assert_eq!(text.title, "任务已完成: 连续三次");

        let digest = json!({"count": 2, "letters": [
            {"event": "task-created", "title": {"en": "A"}}, {"event": "task-done", "title": {"en": "B"}},
        ]});
        let text = render("digest", "en", &digest);
        assert_eq!((&*text.title, &*text.plain), ("Tasks: 2", "- New task: A\n- Task done: B"));
    }
}
