//! People: who may sign in, and a new one.

use askama::Template;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Response};
use fluent_bundle::FluentValue;

use super::render;
use super::shell::Shell;
use crate::auth::password::PasswordError;
use crate::auth::person::{Access, EVERYWHERE, Person, Profile, ProfileError};
use crate::auth::rights::Action;
use crate::auth::role::Role;
use crate::auth::token;
use crate::people::{self, PeopleError};
use crate::store::person;
use crate::web::App;
use crate::web::fault::{Fault, Told};
use crate::web::i18n::{key, text, text_with};
use crate::web::language::Language;
use crate::web::profile_form::{Pairs, ProfileForm, value};
use crate::web::visible::Visible;

/// The list.
#[derive(Debug, Template)]
#[template(path = "people.html")]
struct PeoplePage {
    shell: Shell,
    rows: Vec<Line>,
    can_manage: bool,
}

/// A person in the table.
#[derive(Debug)]
struct Line {
    href: String,
    id: String,
    name: String,
    roles: String,
    scope: String,
    access: Access,
}

/// The form of a new person.
#[derive(Debug, Template)]
#[template(path = "person_new.html")]
struct NewPage {
    shell: Shell,
    id: String,
    form: ProfileForm,
    refusal: Option<String>,
}

/// A password that was given, told once.
#[derive(Debug, Template)]
#[template(path = "password_given.html")]
struct GivenPage {
    shell: Shell,
    id: String,
    password: String,
    back: String,
}

/// Shows everybody who may sign in, or might.
pub(crate) async fn show(State(app): State<App>, shell: Shell) -> Result<Html<String>, Fault> {
    shell.check(Action::ReadPeople)?;
    let people = person::all(&app.store).await?;
    let rows = people.iter().map(|person| line(shell.language, person)).collect();
    render(&PeoplePage { rows, can_manage: shell.can(Action::ManagePeople), shell })
}

/// Shows the form of a new person.
pub(crate) async fn blank(shell: Shell) -> Result<Html<String>, Fault> {
    shell.check(Action::ManagePeople)?;
    let (id, form) = (String::new(), ProfileForm::default());
    render(&NewPage { shell, id, form, refusal: None })
}

/// Adds a person and tells their first password, once.
pub(crate) async fn add(
    State(app): State<App>,
    shell: Shell,
    Form(pairs): Form<Pairs>,
) -> Result<Response, Fault> {
    shell.check(Action::ManagePeople)?;
    let (id, form) = (value(&pairs, "id").to_owned(), ProfileForm::typed(&pairs));
    let password = token::password().map_err(Fault::internal)?;
    let added = match form.profile(&shell.teller(&app)) {
        Err(_) => Err(text(shell.language, key!("refused-form"))),
        Ok(profile) => {
            let profile = completed(&app, &id, profile);
            let registered = app.reloader.people();
            let by = shell.caller()?.by(&app);
            let given = (password.clone(), true);
            match people::add(&app.store, &registered, by, (&id, profile), given).await {
                Ok(()) => Ok(()),
                Err(error) => Err(refusal(shell.language, error)?),
            }
        }
    };
    match added {
        Ok(()) => Ok(given(shell, &id, password)?.into_response()),
        Err(refusal) => {
            let refusal = Some(refusal);
            let page = render(&NewPage { shell, id, form, refusal })?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, axum::Extension(Told), page).into_response())
        }
    }
}

/// Takes from the registry what the form leaves open about somebody whom it knows.
fn completed(app: &App, id: &str, mut profile: Profile) -> Profile {
    if let Some(known) = app.reloader.people().get(id) {
        if profile.name.is_empty() {
            profile.name = known.name.to_string();
        }
        if profile.teams.is_empty() {
            profile.teams.extend(known.team.as_deref().map(str::to_owned));
        }
        if profile.superior.is_none() {
            profile.superior = known.manager.as_deref().map(str::to_owned);
        }
    }
    profile
}

/// Tells a password that was given to `id`.
pub(super) fn given(shell: Shell, id: &str, password: String) -> Result<Html<String>, Fault> {
    let (back, id) = (link(id), Visible(id).to_string());
    render(&GivenPage { shell, id, password, back })
}

/// Returns the address of a person's page.
pub(super) fn link(id: &str) -> String {
    let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("/people/{id}")
}

/// Returns `roles` in words.
pub(super) fn role_words<'r>(
    language: Language,
    roles: impl IntoIterator<Item = &'r Role>,
) -> String {
    let words = roles.into_iter().map(|role| text(language, role_key(*role)));
    words.collect::<Vec<_>>().join(", ")
}

/// Returns the key of a role's word.
pub(super) fn role_key(role: Role) -> &'static str {
    match role {
        Role::Admin => key!("role-admin"),
        Role::Operations => key!("role-operations"),
        Role::Sales => key!("role-sales"),
        Role::SalesManager => key!("role-sales-manager"),
        Role::Logistics => key!("role-logistics"),
        Role::Auditor => key!("role-auditor"),
    }
}

/// Returns the key of what a role is there for.
pub(super) fn role_help(role: Role) -> &'static str {
    match role {
        Role::Admin => key!("role-admin-help"),
        Role::Operations => key!("role-operations-help"),
        Role::Sales => key!("role-sales-help"),
        Role::SalesManager => key!("role-sales-manager-help"),
        Role::Logistics => key!("role-logistics-help"),
        Role::Auditor => key!("role-auditor-help"),
    }
}

/// Returns the teams and regions of somebody in words.
pub(super) fn scope_words(language: Language, profile: &Profile) -> String {
    let regions = profile.regions.iter().map(|region| match region.as_str() {
        EVERYWHERE => text(language, key!("region-everywhere")),
        region => Visible(region).to_string(),
    });
    let teams = profile.teams.iter().map(|team| Visible(team).to_string());
    teams.chain(regions).collect::<Vec<_>>().join(", ")
}

fn line(language: Language, person: &Person) -> Line {
    Line {
        href: link(&person.id),
        id: Visible(&person.id).to_string(),
        name: Visible(person.shown()).to_string(),
        roles: role_words(language, &person.profile.roles),
        scope: scope_words(language, &person.profile),
        access: person.access(),
    }
}

/// Returns `error` in the reader's words; what no other words of theirs would cure is a fault.
pub(super) fn refusal(language: Language, error: PeopleError) -> Result<String, Fault> {
    let with = |key: &str, name: &'static str, value: &str| {
        let value = FluentValue::from(Visible(value).to_string());
        text_with(language, key, [(name, value)])
    };
    Ok(match error {
        PeopleError::Name(_) => text(language, key!("refused-id")),
        PeopleError::Taken(id) => with(key!("refused-taken"), "id", &id),
        PeopleError::Changed(_) => text(language, key!("refused-changed")),
        PeopleError::Oneself => text(language, key!("refused-oneself")),
        PeopleError::Profile(ProfileError::Name | ProfileError::List) => {
            text(language, key!("refused-text"))
        }
        PeopleError::Profile(ProfileError::Email(email)) => {
            with(key!("refused-email"), "email", &email)
        }
        PeopleError::Profile(ProfileError::Unknown(id)) => with(key!("refused-unknown"), "id", &id),
        PeopleError::Profile(ProfileError::Oneself(_)) => text(language, key!("refused-circle")),
        PeopleError::Profile(ProfileError::Backwards) => text(language, key!("refused-backwards")),
        PeopleError::Password(PasswordError::Short(_) | PasswordError::Long(_)) => {
            text(language, key!("refused-password"))
        }
        PeopleError::Token => text(language, key!("refused-token")),
        error @ (PeopleError::Password(_)
        | PeopleError::Unknown(_)
        | PeopleError::UnknownToken(_)
        | PeopleError::Random(_)
        | PeopleError::Store(_)) => return Err(error.into()),
    })
}
