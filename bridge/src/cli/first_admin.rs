//! The first admin: made by the first start that finds nobody who manages people.

use std::io::{self, IsTerminal as _};

use super::output;
use crate::auth::person::{Person, Profile};
use crate::auth::role::Role;
use crate::auth::token;
use crate::clock::{Clock as _, SystemClock};
use crate::people::{self, By, PeopleError, Registry};
use crate::store::{Store, person};

/// What the first admin signs in with.
const ID: &str = "admin";

/// Who makes them, as the trail has it.
const ACTOR: &str = "upturn";

/// Makes an admin, with a password for the first sign-in, unless there is one.
///
/// The password is told to the terminal and nowhere else: where standard error is a file or a
/// journal, which keeps it, nobody is made and the way by hand is told instead.
pub(super) async fn make(store: &Store, registered: &Registry) -> Result<(), PeopleError> {
    let people = person::all(store).await?;
    let is_admin =
        |person: &Person| person.is_enabled() && person.profile.roles.contains(&Role::Admin);
    if people.iter().any(is_admin) {
        return Ok(());
    }
    let by_hand = "upturn: nobody manages people yet: upturn user add NAME --role admin";
    if !io::stderr().is_terminal() || people.iter().any(|person| person.id == ID) {
        output::note(by_hand);
        return Ok(());
    }
    let password = token::password()?;
    let profile = Profile { roles: [Role::Admin].into(), ..Profile::default() };
    let by = By { actor: ACTOR, at: SystemClock.now() };
    people::add(store, registered, by, (ID, profile), (password.clone(), true)).await?;
    output::note(format_args!(
        "upturn: sign in as {ID} with {password} and choose a password; this one is shown once"
    ));
    Ok(())
}
