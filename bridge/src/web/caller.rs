//! Somebody who asks for something, and what they may do.

use std::collections::BTreeSet;

use super::App;
use super::fault::{Fault, FaultKind};
use crate::auth::person::{Directory, EVERYWHERE, Person};
use crate::auth::rights::{Action, Reach, TokenScope};
use crate::auth::sight::Sight;
use crate::people::By;
use crate::store::person;

/// Somebody who is known, as the request came in.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Who.
    pub(crate) person: Person,
    /// What the token is for that speaks for them, if one does.
    pub(crate) token: Option<BTreeSet<TokenScope>>,
}

impl Caller {
    /// Returns their id, which the trail of changes has.
    pub(crate) fn id(&self) -> &str {
        &self.person.id
    }

    /// Returns whom the trail has for what they change now.
    pub(crate) fn by(&self, app: &App) -> By<'_> {
        By { actor: self.id(), at: app.clock.now() }
    }

    /// Returns how far they reach with `action`.
    fn reach(&self, action: Action) -> Reach {
        if self.token.as_ref().is_some_and(|scopes| !scopes.contains(&action.scope())) {
            return Reach::Nothing;
        }
        let profile = &self.person.profile;
        match action.reach(&profile.roles) {
            Reach::Team if profile.regions.contains(EVERYWHERE) => Reach::All,
            reach @ (Reach::Nothing | Reach::Own | Reach::Team | Reach::All) => reach,
        }
    }

    /// Returns whether they may do `action` to anything.
    pub(crate) fn can(&self, action: Action) -> bool {
        self.reach(action) != Reach::Nothing
    }

    /// Returns whether they may do `action` to everything.
    pub(crate) fn can_everywhere(&self, action: Action) -> bool {
        self.reach(action) == Reach::All
    }

    /// Refuses unless they may do `action` to everything.
    pub(crate) fn check(&self, action: Action) -> Result<(), Fault> {
        if self.can_everywhere(action) { Ok(()) } else { Err(FaultKind::Forbidden.into()) }
    }

    /// Returns what they may do `action` to; refuses if it is nothing.
    pub(crate) async fn sight(&self, app: &App, action: Action) -> Result<Sight, Fault> {
        let reach = self.reach(action);
        if reach == Reach::Nothing {
            return Err(FaultKind::Forbidden.into());
        }
        if reach == Reach::All {
            return Ok(Sight::All);
        }
        let people = person::all(&app.store).await?;
        let registered = app.reloader.people();
        let directory = Directory { people: &people, registered: &registered };
        Ok(Sight::of(&self.person, reach, &directory, app.clock.now()))
    }

    /// Returns what they may do `action` to, even if it is nothing.
    pub(crate) async fn sight_or_nothing(&self, app: &App, action: Action) -> Result<Sight, Fault> {
        if self.can(action) {
            return self.sight(app, action).await;
        }
        Ok(Sight::Part { owners: BTreeSet::new(), regions: BTreeSet::new() })
    }

    /// Returns the page they begin with.
    pub(crate) fn home(&self) -> &'static str {
        let pages = [
            (Action::ReadTasks, "/"),
            (Action::ReadPeople, "/people"),
            (Action::ReadAudit, "/audit"),
        ];
        let first = pages.into_iter().find(|(action, _)| self.can(*action));
        first.map_or("/me", |(_, page)| page)
    }
}
