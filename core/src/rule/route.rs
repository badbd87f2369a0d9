//! Routes: `account-owner, else pool:ev-advisors`.

use super::finding::Fault;
use super::nearest;
use crate::registry::known::Known;

/// The pool of tasks whose device nobody has registered, and of routes that name no other.
pub const OPERATIONS_POOL: &str = "pool:operations";

/// Who gets a task: the first of these that names somebody, else [`OPERATIONS_POOL`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route(pub Vec<Target>);

/// One place a route tries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Who answers for the account of the device.
    AccountOwner,
    /// A team's pool, `pool:{team}`.
    Pool(Box<str>),
}

/// The longest name of a team, in bytes.
const TEAM_MAX: usize = 64;

impl Route {
    /// Returns the route `text` names: targets in the order they are tried.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        let mut targets: Vec<Target> = Vec::new();
        for (place, part) in text.split(',').map(str::trim).enumerate() {
            let name = match (place, part.strip_prefix("else ")) {
                (0, None) => part,
                (1.., Some(name)) => name.trim_start(),
                (0, Some(_)) | (1.., None) => return Err(bad(text)),
            };
            if let Some(Target::Pool(team)) = targets.last() {
                return Err(Fault::new(
                    "bad-route",
                    format!("'{name}' is never tried, since pool:{team} takes every task"),
                    "put the pool last, or leave out what follows it",
                ));
            }
            let target = parse_target(name)?;
            if targets.contains(&target) {
                return Err(Fault::new(
                    "bad-route",
                    format!("'{name}' stands twice in the route"),
                    "name each target once",
                ));
            }
            targets.push(target);
        }
        Ok(Self(targets))
    }

    /// Returns the owner of a task about something of `account`.
    pub fn owner_of(&self, account: Option<&str>, registry: Known<'_>) -> Box<str> {
        let owner = || registry.account(account?)?.owner.as_deref();
        let mut named = self.0.iter().filter_map(|target| match target {
            Target::AccountOwner => owner().map(Into::into),
            Target::Pool(team) => Some(format!("pool:{team}").into()),
        });
        named.next().unwrap_or_else(|| OPERATIONS_POOL.into())
    }
}

fn parse_target(name: &str) -> Result<Target, Fault> {
    let is_name = |team: &str| {
        (1..=TEAM_MAX).contains(&team.len())
            && team.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    match name.strip_prefix("pool:") {
        Some(team) if is_name(team) => Ok(Target::Pool(team.into())),
        Some(team) => Err(Fault::new(
            "bad-route",
            format!("'{team}' is no name of a pool"),
            format!("use 1 to {TEAM_MAX} letters, digits, '-', '_' or '.': pool:ev-advisors"),
        )),
        None if name == "account-owner" => Ok(Target::AccountOwner),
        None => Err(Fault::new(
            "bad-route",
            format!("'{name}' is no target of a route"),
            match nearest::find(name, ["account-owner"]) {
                Some(near) => format!("did you mean '{near}'?"),
                None => "use account-owner or pool:NAME".to_owned(),
            },
        )),
    }
}

fn bad(text: &str) -> Fault {
    Fault::new(
        "bad-route",
        format!("'{text}' is no route"),
        "write targets with \", else \" between them: \"account-owner, else pool:ev-advisors\"",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_targets_in_the_order_they_are_tried() {
        let pool = || Target::Pool("ev-advisors".into());
        let cases = [
            ("account-owner", Ok(vec![Target::AccountOwner])),
            ("pool:ev-advisors", Ok(vec![pool()])),
            ("account-owner, else pool:ev-advisors", Ok(vec![Target::AccountOwner, pool()])),
            ("acount-owner", Err("did you mean 'account-owner'?")),
            ("anybody", Err("use account-owner or pool:NAME")),
            ("pool:", Err("use 1 to 64 letters, digits, '-', '_' or '.': pool:ev-advisors")),
            ("account-owner, else account-owner", Err("name each target once")),
            ("pool:a, else account-owner", Err("put the pool last, or leave out what follows it")),
            (
                "account-owner, pool:a",
                Err(
                    "write targets with \", else \" between them: \"account-owner, else pool:ev-advisors\"",
                ),
            ),
            ("", Err("use account-owner or pool:NAME")),
        ];
        for (text, expected) in cases {
            let parsed = Route::parse(text);
            let parsed = parsed.as_ref().map(|route| route.0.clone());
            assert_eq!(parsed.map_err(|fault| fault.cure.as_str()), expected, "case: {text:?}");
        }
    }
}
