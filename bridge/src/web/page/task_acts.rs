//! What the reader can do with a task, as buttons and forms, and what was said with what was done.

use fluent_bundle::FluentValue;
use serde_json::Value;
use upturn_core::registry::hand_over::HandOvers;
use upturn_core::rule::Stage;

use super::tasks::link;
use crate::runtime::deed::{ContactChannel, ContactResult, Outcome, POOL};
use crate::store::task_back_fill::BackFill;
use crate::store::task_view::{TaskDetail, TaskRow, TaskStatus};
use crate::web::deed_form::PACKAGE;
use crate::web::i18n::{find_text, key, text, text_with};
use crate::web::language::Language;
use crate::web::visible::{Visible, VisibleLines};
use crate::web::when::Teller;

/// All of it; nothing where the reader may not act, or there is nothing to do.
#[derive(Debug, Default)]
pub(super) struct Acts {
    /// What needs no further words, what most people want first.
    pub(super) buttons: Vec<Button>,
    /// What does.
    pub(super) forms: Vec<Form>,
    /// Where a step is marked as done, and as not done.
    pub(super) steps: Option<StepLinks>,
}

/// Where a step is marked.
#[derive(Debug)]
pub(super) struct StepLinks {
    pub(super) check: String,
    pub(super) uncheck: String,
}

/// A button.
#[derive(Debug)]
pub(super) struct Button {
    pub(super) href: String,
    pub(super) label: String,
    pub(super) is_main: bool,
}

/// A form that opens.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) href: String,
    /// Tells its fields from those of others.
    pub(super) id: String,
    pub(super) label: String,
    pub(super) fields: Vec<Field>,
}

/// A field of a form.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) input: Input,
    pub(super) is_required: bool,
}

/// What a field is filled in with.
#[derive(Debug)]
pub(super) enum Input {
    /// One of these: the word and its label.
    Choice(Vec<(String, String)>),
    /// A text of several lines.
    Lines,
    /// A day.
    Day,
    /// A day and a time.
    Time,
    /// A word that the form has already.
    Fixed(String),
}

/// Something that was said with what was done.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) label: String,
    pub(super) value: String,
}

/// Returns what can be done with the task, which can be given to any of `owners`.
pub(super) fn acts(
    language: Language,
    row: &TaskRow,
    (owners, hand_overs): (&[String], &HandOvers),
) -> Acts {
    if row.stage == Stage::Shadow || !row.status.is_open() {
        return Acts::default();
    }
    let place = link(&row.id);
    let place = |word: &str| format!("{place}/{word}");
    let forms = Forms { language, place: &place };
    let is_pooled = row.owner.starts_with(POOL);
    let mut all = vec![forms.contact(), forms.done(), forms.snooze(), forms.back_fill()];
    let kinds = hand_overs.all().iter();
    all.extend(kinds.map(|kind| {
        let name = if language == Language::ZhCn { &kind.zh } else { &kind.en };
        let name = FluentValue::from(Visible(name).to_string());
        let fields = kind.field.iter().map(|field| {
            let label = if language == Language::ZhCn { &field.zh } else { &field.en };
            Field {
                name: format!("{PACKAGE}{}", field.id),
                label: Visible(label).to_string(),
                input: Input::Lines,
                is_required: true,
            }
        });
        let given = owners.iter().filter(|owner| **owner != row.owner);
        let given = given.map(|owner| (owner.clone(), Visible(owner).to_string())).collect();
        let mut all = vec![
            forms.field(("kind", key!("task-kind")), Input::Fixed(kind.id.to_string())),
            forms.field(("to", key!("act-to")), Input::Choice(given)),
        ];
        all.extend(fields);
        Form {
            href: place("hand-over"),
            id: format!("hand-over-{}", kind.id),
            label: text_with(language, key!("act-hand-over"), [("kind", name)]),
            fields: all,
        }
    }));
    if !is_pooled {
        all.push(forms.reasoned("return", key!("act-return")));
    }
    all.push(forms.reasoned("dismiss", key!("task-dismiss")));
    all.push(forms.form(
        ("comment", key!("act-comment")),
        vec![forms.field(("text", key!("act-comment")), Input::Lines)],
    ));
    let (check, uncheck) = (place("check-step"), place("uncheck-step"));
    let steps = Some(StepLinks { check, uncheck });
    Acts { buttons: buttons(language, row, &place), forms: all, steps }
}

fn buttons(language: Language, row: &TaskRow, place: &dyn Fn(&str) -> String) -> Vec<Button> {
    let claim = (key!("task-claim"), "claim");
    let accept = (key!("task-accept"), "accept");
    let start = (key!("task-start"), "start");
    let wake = (key!("task-wake"), "wake");
    let mut possible = match row.status {
        TaskStatus::New if row.owner.starts_with(POOL) => vec![claim],
        TaskStatus::New => vec![accept, start],
        TaskStatus::Accepted => vec![start],
        TaskStatus::InProgress
        | TaskStatus::Done
        | TaskStatus::Dismissed
        | TaskStatus::Withdrawn => Vec::new(),
    };
    if row.snoozed_until.is_some() {
        possible.push(wake);
    }
    let button = |(at, (label, word)): (usize, (&str, &str))| Button {
        href: place(word),
        label: text(language, label),
        is_main: at == 0,
    };
    possible.into_iter().enumerate().map(button).collect()
}

/// What forms are made with.
struct Forms<'f> {
    language: Language,
    place: &'f dyn Fn(&str) -> String,
}

impl Forms<'_> {
    fn contact(&self) -> Form {
        let channels = ContactChannel::ALL.map(|one| (one.word(), self.channel(one))).into();
        let results = ContactResult::ALL.map(|one| (one.word(), self.result(one))).into();
        let fields = vec![
            self.field(("channel", key!("act-channel")), choice(channels)),
            self.field(("result", key!("act-result")), choice(results)),
            Field { is_required: false, ..self.field(("at", key!("act-at")), Input::Time) },
            self.note(),
        ];
        self.form(("contact", key!("act-contact")), fields)
    }

    fn back_fill(&self) -> Form {
        let channels = ContactChannel::ALL.map(|one| (one.word(), self.channel(one))).into();
        let results = ContactResult::ALL.map(|one| (one.word(), self.result(one))).into();
        let fields = vec![
            self.field(("at", key!("act-when")), Input::Time),
            self.field(("channel", key!("act-channel")), choice(channels)),
            self.field(("result", key!("act-result")), choice(results)),
            self.field(("reason", key!("act-reason")), Input::Lines),
        ];
        self.form(("back-fill", key!("act-back-fill")), fields)
    }

    fn done(&self) -> Form {
        let outcomes =
            Outcome::ALL.map(|one| (one.word(), outcome_words(self.language, one))).into();
        let outcome = self.field(("outcome", key!("act-outcome")), choice(outcomes));
        self.form(("done", key!("task-do")), vec![outcome, self.note()])
    }

    fn snooze(&self) -> Form {
        let until = self.field(("until", key!("act-until")), Input::Day);
        let reason = self.field(("reason", key!("act-reason")), Input::Lines);
        self.form(("snooze", key!("act-snooze")), vec![until, reason])
    }

    fn reasoned(&self, word: &str, label: &str) -> Form {
        let reason = self.field(("reason", key!("act-reason")), Input::Lines);
        self.form((word, label), vec![reason])
    }

    fn note(&self) -> Field {
        Field { is_required: false, ..self.field(("note", key!("act-note")), Input::Lines) }
    }

    fn form(&self, (word, label): (&str, &str), fields: Vec<Field>) -> Form {
        let (href, label) = ((self.place)(word), text(self.language, label));
        Form { href, id: word.to_owned(), label, fields }
    }

    fn field(&self, (name, label): (&str, &str), input: Input) -> Field {
        let (name, label) = (name.to_owned(), text(self.language, label));
        Field { name, label, input, is_required: true }
    }

    fn channel(&self, channel: ContactChannel) -> String {
        let key = match channel {
            ContactChannel::Phone => key!("channel-phone"),
            ContactChannel::Email => key!("channel-email"),
            ContactChannel::Message => key!("channel-message"),
            ContactChannel::Visit => key!("channel-visit"),
        };
        text(self.language, key)
    }

    fn result(&self, result: ContactResult) -> String {
        let key = match result {
            ContactResult::Reached => key!("result-reached"),
            ContactResult::CallAgain => key!("result-call-again"),
            ContactResult::NotReached => key!("result-not-reached"),
        };
        text(self.language, key)
    }
}

fn choice(words: Vec<(&str, String)>) -> Input {
    Input::Choice(words.into_iter().map(|(word, label)| (word.to_owned(), label)).collect())
}

/// Returns the buttons by which `reader` decides about what others told later.
pub(super) fn decisions(teller: &Teller, detail: &TaskDetail, reader: &str) -> Vec<Decision> {
    let open = detail.back_fills.iter().filter(|told| told.decided_by.is_none());
    let decision = |told: &BackFill| {
        let at = FluentValue::from(teller.in_sentence(told.done_at));
        let who = FluentValue::from(Visible(&told.actor).to_string());
        let values = [("who", who), ("at", at)];
        let place = link(&detail.row.id);
        Decision {
            words: text_with(teller.language, key!("back-fill-waits"), values),
            said: said(teller, detail, &told.detail),
            id: told.id,
            links: (told.actor != reader).then(|| DecisionLinks {
                approve: format!("{place}/approve-back-fill"),
                reject: format!("{place}/reject-back-fill"),
            }),
        }
    };
    open.map(decision).collect()
}

/// Something that was told later and waits.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) words: String,
    pub(super) said: Vec<Said>,
    pub(super) id: i64,
    /// None for whoever told it.
    pub(super) links: Option<DecisionLinks>,
}

/// Where it is decided.
#[derive(Debug)]
pub(super) struct DecisionLinks {
    pub(super) approve: String,
    pub(super) reject: String,
}

/// Returns an outcome in words.
pub(super) fn outcome_words(language: Language, outcome: Outcome) -> String {
    let key = match outcome {
        Outcome::Interested => key!("outcome-interested"),
        Outcome::Solved => key!("outcome-solved"),
        Outcome::NotInterested => key!("outcome-not-interested"),
        Outcome::NotReached => key!("outcome-not-reached"),
        Outcome::WrongData => key!("outcome-wrong-data"),
        Outcome::Elsewhere => key!("outcome-elsewhere"),
    };
    text(language, key)
}

/// Returns what was said with something that was done to the task, as the history shows it: what only
/// programs know stays as it is.
pub(super) fn said(teller: &Teller, detail: &TaskDetail, particulars: &Value) -> Vec<Said> {
    const KNOWN: [(&str, &str); 18] = [
        ("outcome", key!("act-outcome")),
        ("reason", key!("act-reason")),
        ("note", key!("act-note")),
        ("text", key!("act-comment")),
        ("until", key!("act-until")),
        ("at", key!("act-when")),
        ("channel", key!("act-channel")),
        ("result", key!("act-result")),
        ("to", key!("act-to")),
        ("pool", key!("act-to")),
        ("step", key!("act-step")),
        ("due_before", key!("act-due-before")),
        ("due_now", key!("act-due-now")),
        ("calendar_before", key!("act-calendar-before")),
        ("calendar_now", key!("act-calendar-now")),
        ("consultant", key!("act-consultant")),
        ("starts_at", key!("act-starts-at")),
        ("ends_at", key!("act-ends-at")),
    ];
    let language = teller.language;
    let Some(members) = particulars.as_object() else { return Vec::new() };
    let mut said = Vec::new();
    for (name, label) in KNOWN {
        let Some(value) = members.get(name) else { continue };
        let label = text(language, label);
        said.push(Said { label, value: value_words(teller, detail, (name, value)) });
    }
    let package = members.get("package").and_then(Value::as_object).into_iter().flatten();
    said.extend(package.filter_map(|(name, value)| {
        let value = VisibleLines(value.as_str()?).to_string();
        Some(Said { label: Visible(&name.replace('-', " ")).to_string(), value })
    }));
    said
}

fn value_words(teller: &Teller, detail: &TaskDetail, (name, value): (&str, &Value)) -> String {
    let language = teller.language;
    if let Some(step) = value.as_u64().and_then(|step| usize::try_from(step).ok()) {
        return detail.steps.get(step).map(|step| step_words(language, step)).unwrap_or_default();
    }
    let word = value.as_str().unwrap_or_default();
    let known = match name {
        "outcome" => find_text(language, &format!("outcome-{word}")),
        "channel" => find_text(language, &format!("channel-{word}")),
        "result" => find_text(language, &format!("result-{word}")),
        "at" | "until" | "due_before" | "due_now" | "starts_at" | "ends_at" => {
            word.parse().ok().map(|at| teller.in_sentence(at))
        }
        _ => None,
    };
    known.unwrap_or_else(|| VisibleLines(word).to_string())
}

/// Returns a step in words; one that only its rule knows keeps the rule's word.
pub(super) fn step_words(language: Language, step: &str) -> String {
    let known = find_text(language, &format!("step-{}", step.replace('_', "-")));
    known.unwrap_or_else(|| Visible(&step.replace('_', " ")).to_string())
}
