//! The page of one person, for whoever manages people or looks after them.

use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::people::{given, link, refusal, role_help, role_key};
use super::render;
use super::shell::Shell;
use super::token_line::TokenLine;
use crate::auth::person::{Access, Person};
use crate::auth::rights::Action;
use crate::auth::role::Role;
use crate::auth::token;
use crate::people;
use crate::store::{api_token, person};
use crate::web::App;
use crate::web::fault::{Fault, FaultKind, Told};
use crate::web::i18n::{key, text};
use crate::web::language::Language;
use crate::web::profile_form::{Pairs, ProfileForm, value};
use crate::web::visible::Visible;
use crate::web::when::When;

/// The page.
#[derive(Debug, Template)]
#[template(path = "person.html")]
struct PersonPage {
    shell: Shell,
    id: String,
    href: String,
    name: String,
    form: ProfileForm,
    revision: u64,
    access: Access,
    /// Whether the reader only looks.
    is_locked: bool,
    /// Whether it is the reader's own.
    is_oneself: bool,
    /// What the registry says about the same person, where it says something else.
    registered: Option<String>,
    created: When,
    /// Whether the reader may see what was changed.
    can_audit: bool,
    tokens: Vec<TokenLine>,
    told: Option<String>,
    refusal: Option<String>,
}

/// What the reader just did, by the address.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    #[serde(default)]
    did: String,
}

/// Shows the person.
pub(crate) async fn show(
    State(app): State<App>,
    shell: Shell,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> Result<Html<String>, Fault> {
    shell.check(Action::ReadPeople)?;
    let person = find(&app, &id).await?;
    let words = |key| Some(text(shell.language, key));
    let told = match &*params.did {
        "saved" => words(key!("told-saved")),
        "disable" => words(key!("told-disabled")),
        "enable" => words(key!("told-enabled")),
        "revoked" => words(key!("told-revoked")),
        _ => None,
    };
    let form = ProfileForm::of(&person.profile, &shell.teller(&app));
    render(&PersonPage { told, ..page(&app, shell, &person, form).await? })
}

/// Saves what was typed about the person.
pub(crate) async fn change(
    State(app): State<App>,
    shell: Shell,
    Path(id): Path<String>,
    Form(pairs): Form<Pairs>,
) -> Result<Response, Fault> {
    shell.check(Action::ManagePeople)?;
    let mut person = find(&app, &id).await?;
    // What was looked at is what is changed.
    person.revision = value(&pairs, "revision").parse().unwrap_or_default();
    let form = ProfileForm::typed(&pairs);
    let words = match form.profile(&shell.teller(&app)) {
        Err(_) => text(shell.language, key!("refused-form")),
        Ok(profile) => {
            let (registered, by) = (app.reloader.people(), shell.caller()?.by(&app));
            match people::change(&app.store, &registered, by, &person, profile).await {
                Ok(()) => return Ok(Redirect::to(&told(&id, "saved")).into_response()),
                Err(error) => refusal(shell.language, error)?,
            }
        }
    };
    let page = PersonPage { refusal: Some(words), ..page(&app, shell, &person, form).await? };
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    Ok((status, axum::Extension(Told), render(&page)?).into_response())
}

/// Does what a button says: keeps the person out, lets them in, or gives them a password.
pub(crate) async fn act(
    State(app): State<App>,
    shell: Shell,
    Path((id, verb)): Path<(String, String)>,
) -> Result<Response, Fault> {
    shell.check(Action::ManagePeople)?;
    let person = find(&app, &id).await?;
    let by = shell.caller()?.by(&app);
    let (store, id) = (&app.store, &*person.id);
    match &*verb {
        "disable" => people::set_enabled(store, by, id, false).await?,
        "enable" => people::set_enabled(store, by, id, true).await?,
        "password" if by.actor == id => return Err(people::PeopleError::Oneself.into()),
        "password" => {
            let password = token::password().map_err(Fault::internal)?;
            people::set_password(store, by, id, (password.clone(), true)).await?;
            return Ok(given(shell, id, password)?.into_response());
        }
        _ => return Err(FaultKind::NotFound.into()),
    }
    Ok(Redirect::to(&told(id, &verb)).into_response())
}

/// Revokes anybody's token.
pub(crate) async fn revoke(
    State(app): State<App>,
    shell: Shell,
    Path(token): Path<String>,
) -> Result<Redirect, Fault> {
    shell.check(Action::ManagePeople)?;
    let tokens = api_token::all(&app.store, None).await?;
    let owner = tokens.into_iter().find(|found| found.id == token).ok_or(FaultKind::NotFound)?;
    people::revoke_token(&app.store, shell.caller()?.by(&app), &token, None).await?;
    Ok(Redirect::to(&told(&owner.person, "revoked")))
}

async fn find(app: &App, id: &str) -> Result<Person, Fault> {
    person::find(&app.store, id).await?.ok_or_else(|| FaultKind::NotFound.into())
}

fn told(id: &str, did: &str) -> String {
    format!("{}?did={did}", link(id))
}

async fn page(
    app: &App,
    shell: Shell,
    person: &Person,
    form: ProfileForm,
) -> Result<PersonPage, Fault> {
    let teller = shell.teller(app);
    let tokens = api_token::all(&app.store, Some(&person.id)).await?;
    Ok(PersonPage {
        id: Visible(&person.id).to_string(),
        href: link(&person.id),
        name: Visible(person.shown()).to_string(),
        form,
        revision: person.revision,
        access: person.access(),
        is_locked: !shell.can(Action::ManagePeople),
        is_oneself: shell.caller()?.id() == person.id,
        registered: registered(app, person),
        created: teller.when(person.created_at),
        can_audit: shell.can(Action::ReadAudit),
        tokens: tokens.iter().map(|token| TokenLine::of(&teller, token)).collect(),
        told: None,
        refusal: None,
        shell,
    })
}

/// Returns what the registry says of `person` where that is something else: tasks go by the one,
/// and rights by the other.
fn registered(app: &App, person: &Person) -> Option<String> {
    let people = app.reloader.people();
    let known = people.get(&*person.id)?;
    let profile = &person.profile;
    let has_team = known.team.as_deref().is_none_or(|team| profile.teams.contains(team));
    let has_manager = known.manager.as_deref() == profile.superior.as_deref();
    let says = [("team", known.team.as_deref()), ("manager", known.manager.as_deref())];
    let says = says.map(|(column, cell)| format!("{column} {}", Visible(cell.unwrap_or("–"))));
    (!has_team || !has_manager).then(|| says.join(", "))
}
