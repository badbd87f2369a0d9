//! Records: their kinds, devices that nobody registered, and what may be one.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::response::{Html, Redirect};
use serde::Deserialize;
use serde_json::{Map, Value};
use upturn_core::record::KINDS;

use super::shell::Shell;
use super::{render, twin_line};
use crate::auth::rights::Action;
use crate::store::audit::search::{self, AuditFilter};
use crate::store::record;
use crate::store::unknown_device;
use crate::web::App;
use crate::web::fault::Fault;
use crate::web::i18n::{find_text, key};
use crate::web::language::Language;
use crate::web::records::{self, Terms};
use crate::web::session::Reader;
use crate::web::visible::Visible;
use crate::web::when::When;

/// How many unknown devices and duplicates are shown; the commands show all.
const SHOWN_MAX: u32 = 50;

/// The page.
#[derive(Debug, Template)]
#[template(path = "records.html")]
struct RecordsPage {
    shell: Shell,
    is_told: bool,
    can_manage: bool,
    kinds: Vec<KindLine>,
    unknown: Vec<UnknownLine>,
    unknown_count: i64,
    twins: Vec<TwinLine>,
    twins_count: usize,
}

/// A kind of record.
#[derive(Debug)]
struct KindLine {
    href: String,
    name: &'static str,
    title: String,
    count: i64,
    /// When a table was imported last, and by whom.
    imported: Option<(When, String)>,
}

/// A device that nobody has registered.
#[derive(Debug)]
struct UnknownLine {
    device: String,
    topic: String,
    messages: i64,
    first: When,
    last: When,
}

/// Records that may be one.
#[derive(Debug)]
struct TwinLine {
    what: String,
    value: String,
    is_across: bool,
    records: Vec<String>,
}

/// What the reader just did.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    #[serde(default)]
    did: String,
}

/// What a device is.
#[derive(Debug, Deserialize)]
pub(crate) struct Adoption {
    device: String,
    model: String,
    #[serde(default)]
    site: String,
    #[serde(default)]
    account: String,
}

/// Shows them.
pub(crate) async fn show(
    State(app): State<App>,
    shell: Shell,
    Query(params): Query<Params>,
) -> Result<Html<String>, Fault> {
    shell.check(Action::ReadRecords)?;
    let teller = shell.teller(&app);
    let counts = record::counts(&app.store).await?;
    let mut kinds = Vec::new();
    for kind in KINDS {
        let filter = AuditFilter {
            action: "records-imported".to_owned(),
            subject: kind.name.to_owned(),
            ..AuditFilter::default()
        };
        let imported = search::page(&app.store, &filter, None, 1).await?.into_iter().next();
        kinds.push(KindLine {
            href: format!("/records/{}", kind.name),
            name: kind.name,
            title: title(shell.language, kind.name),
            count: counts.get(kind.name).copied().unwrap_or_default(),
            imported: imported
                .map(|entry| (teller.when(entry.at), Visible(&entry.actor).to_string())),
        });
    }
    let (unknown, unknown_count) = unknown_device::newest(&app.store, SHOWN_MAX).await?;
    let unknown = unknown.iter().map(|found| UnknownLine {
        device: found.device.clone(),
        topic: Visible(&found.topic).to_string(),
        messages: found.messages,
        first: teller.when(found.first_seen_at),
        last: teller.when(found.last_seen_at),
    });
    let all = app.twins.marks(&app.store, &app.reloader.folder()).await?.all();
    let shown = all.iter().take(usize::try_from(SHOWN_MAX).unwrap_or_default());
    let twins = shown.map(|twins| TwinLine {
        what: twin_line::what(shell.language, twins),
        value: Visible(&twins.value).to_string(),
        is_across: twins.across_owners,
        records: twins
            .records
            .iter()
            .map(|member| {
                let owner = member.owner.as_deref().unwrap_or("–");
                let line = format!("{} ({} {}): {owner}", member.name, member.kind, member.id);
                Visible(&line).to_string()
            })
            .collect(),
    });
    render(&RecordsPage {
        is_told: params.did == "adopted",
        can_manage: shell.can(Action::ManageRecords),
        kinds,
        unknown: unknown.collect(),
        unknown_count,
        twins: twins.collect(),
        twins_count: all.len(),
        shell,
    })
}

/// Registers a device.
pub(crate) async fn adopt(
    State(app): State<App>,
    Reader(caller): Reader,
    Form(adoption): Form<Adoption>,
) -> Result<Redirect, Fault> {
    caller.check(Action::ManageRecords)?;
    let kind = records::kind("device")?;
    let Adoption { device, model, site, account } = adoption;
    let cells = [("id", device), ("model", model), ("site", site), ("account", account)];
    let row: Map<String, Value> =
        cells.into_iter().map(|(name, text)| (name.to_owned(), Value::String(text))).collect();
    let terms = Terms { actor: caller.id().to_owned(), ..Terms::default() };
    records::put(&app, kind, &[row], terms).await?;
    Ok(Redirect::to("/records?did=adopted"))
}

/// Returns what a kind is called.
pub(super) fn title(language: Language, kind: &str) -> String {
    find_text(language, &format!("record-{kind}")).unwrap_or_else(|| kind.to_owned())
}

/// Marks the names of the kinds as keys.
#[expect(dead_code, reason = "the catalogues are checked against what is marked")]
const TITLES: [&str; 12] = [
    key!("record-account"),
    key!("record-contact"),
    key!("record-deal"),
    key!("record-device"),
    key!("record-installed"),
    key!("record-order"),
    key!("record-plan"),
    key!("record-price"),
    key!("record-product"),
    key!("record-shipment"),
    key!("record-site"),
    key!("record-stock"),
];
