//! What is said about a person, as a form has it.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use super::language::Language;
use super::when::Teller;
use crate::auth::person::{Profile, Substitute};
use crate::auth::role::Role;

/// What is between the members of a list.
const SEPARATORS: [char; 4] = [';', '；', '\n', '\r'];

/// A form as it came: names and values, in the order of the page.
pub(crate) type Pairs = Vec<(String, String)>;

/// What is said about a person, as it is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProfileForm {
    pub(crate) name: String,
    pub(crate) email: String,
    /// The tag of the language, or nothing.
    pub(crate) language: String,
    pub(crate) roles: BTreeSet<Role>,
    pub(crate) regions: String,
    pub(crate) teams: String,
    pub(crate) superior: String,
    pub(crate) substitute: String,
    /// The first day, as `2026-01-31`.
    pub(crate) from: String,
    /// The last day.
    pub(crate) until: String,
}

/// Why a form was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormError {
    /// A role, a language or a day that there is not.
    Unknown,
}

/// Returns the value called `name`, without what is around it.
pub(crate) fn value<'p>(pairs: &'p Pairs, name: &str) -> &'p str {
    pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
}

impl ProfileForm {
    /// Returns `profile` as a form shows it.
    pub(crate) fn of(profile: &Profile, teller: &Teller) -> Self {
        let list = |list: &BTreeSet<String>| list.iter().cloned().collect::<Vec<_>>().join("; ");
        let day = |at: Option<DateTime<Utc>>| {
            at.map(|at| teller.day_of(at).to_string()).unwrap_or_default()
        };
        let substitute = profile.substitute.as_ref();
        Self {
            name: profile.name.clone(),
            email: profile.email.clone().unwrap_or_default(),
            language: profile.language.map(Language::tag).unwrap_or_default().to_owned(),
            roles: profile.roles.clone(),
            regions: list(&profile.regions),
            teams: list(&profile.teams),
            superior: profile.superior.clone().unwrap_or_default(),
            substitute: substitute.map(|other| other.id.clone()).unwrap_or_default(),
            from: day(substitute.and_then(|other| other.from)),
            // The last day counts to its end.
            until: day(substitute
                .and_then(|other| other.until.map(|until| until - TimeDelta::milliseconds(1)))),
        }
    }

    /// Returns what was typed. What else the form may hold says nothing about a person.
    pub(crate) fn typed(pairs: &Pairs) -> Self {
        let field = |name: &str| value(pairs, name).to_owned();
        let roles = pairs.iter().filter(|(key, _)| key == "role");
        Self {
            name: field("name"),
            email: field("email"),
            language: field("language"),
            roles: roles.filter_map(|(_, word)| Role::find(word)).collect(),
            regions: field("regions"),
            teams: field("teams"),
            superior: field("superior"),
            substitute: field("substitute"),
            from: field("from"),
            until: field("until"),
        }
    }

    /// Returns what the form says.
    pub(crate) fn profile(&self, teller: &Teller) -> Result<Profile, FormError> {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let list = |text: &str| {
            let parts = text.split(SEPARATORS).map(str::trim).filter(|part| !part.is_empty());
            parts.map(str::to_owned).collect::<BTreeSet<_>>()
        };
        let language = match &*self.language {
            "" => None,
            tag => Some(Language::find(tag).ok_or(FormError::Unknown)?),
        };
        let substitute = match text(&self.substitute) {
            None => None,
            Some(id) => Some(Substitute {
                id,
                from: begins(&self.from, 0, teller)?,
                until: begins(&self.until, 1, teller)?,
            }),
        };
        Ok(Profile {
            name: self.name.clone(),
            email: text(&self.email),
            language,
            roles: self.roles.clone(),
            regions: list(&self.regions),
            teams: list(&self.teams),
            superior: text(&self.superior),
            substitute,
        })
    }
}

/// Returns when the day `text`, or the one so many `days` later, begins; `None` for no day.
pub(crate) fn begins(
    text: &str,
    days: u64,
    teller: &Teller,
) -> Result<Option<DateTime<Utc>>, FormError> {
    if text.is_empty() {
        return Ok(None);
    }
    let day: NaiveDate = text.parse().map_err(|_| FormError::Unknown)?;
    let day = day.checked_add_days(Days::new(days)).ok_or(FormError::Unknown)?;
    teller.beginning_of(day).map(Some).ok_or(FormError::Unknown)
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;

    #[test]
    fn a_profile_comes_back_from_its_form_and_the_last_day_counts_whole() {
        let now = "2026-03-05T12:00:00Z".parse().unwrap();
        let teller = Teller { language: Language::En, zone: Tz::Asia__Shanghai, now };
        let typed = [
            ("name", " Li Wei "),
            ("email", "li.wei@example.org"),
            ("language", "zh-CN"),
            ("role", "sales"),
            ("role", "sales-manager"),
            ("role", "god"),
            ("regions", "east；west ;"),
            ("teams", "顾问"),
            ("substitute", "zoe"),
            ("from", "2026-03-06"),
            ("until", "2026-03-08"),
        ];
        let pairs = typed.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let profile = ProfileForm::typed(&pairs).profile(&teller).unwrap();
        assert_eq!(profile.roles, [Role::Sales, Role::SalesManager].into());
        assert_eq!(profile.regions, ["east".to_owned(), "west".to_owned()].into());
        let substitute = profile.substitute.clone().unwrap();
        assert_eq!(substitute.from.unwrap().to_rfc3339(), "2026-03-05T16:00:00+00:00");
        assert_eq!(substitute.until.unwrap().to_rfc3339(), "2026-03-08T16:00:00+00:00");
        let shown = ProfileForm::of(&profile, &teller);
        assert_eq!((&*shown.from, &*shown.until), ("2026-03-06", "2026-03-08"));
        assert_eq!(shown.profile(&teller), Ok(profile));
        let wrong = ProfileForm { until: "tomorrow".into(), ..shown };
        assert_eq!(wrong.profile(&teller), Err(FormError::Unknown));
    }
}
