//! Links in mails: proof that somebody reads an address. Each works once and for a while, and only its hash is kept.

mod store;

use std::fmt;

use db::{Connection, Db};
use forms::{Email, Field, FieldError, FieldErrors, Secret};
use sha2::{Digest, Sha256};
use tracking::{Choice, EmailVerified, PasswordResetCompleted, PresentIds, ServerEvent, UserId, consent};
use uuid::Uuid;

use super::{AccountError, Accounts, EndedBy, Login, User, browser_in_words, throttle};
use crate::mail::{self, Kind};
use crate::visitor::Visitor;
use crate::{hex, ids};

const HOUR_MS: i64 = 3_600_000;
/// Used and expired links are known for a while, for nothing but looking into a complaint.
const KEEP_MS: i64 = 30 * 24 * HOUR_MS;

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Proves the account's address.
    VerifyEmail,
    /// Proves another address and makes it the account's.
    ChangeEmail,
    /// Sets a new password.
    ResetPassword,
}

impl Purpose {
    const ALL: [Self; 3] = [Self::VerifyEmail, Self::ChangeEmail, Self::ResetPassword];

    /// The page that the link leads to.
    pub fn page(self) -> &'static str {
        match self {
            Self::VerifyEmail | Self::ChangeEmail => "verify",
            Self::ResetPassword => "reset",
        }
    }

    fn lifetime_ms(self) -> i64 {
        match self {
            Self::VerifyEmail => 72 * HOUR_MS,
            Self::ChangeEmail => 24 * HOUR_MS,
            Self::ResetPassword => HOUR_MS,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ChangeEmail => "change_email",
            Self::ResetPassword => "reset_password",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// The secret of a link. No log shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkSecret(String);

impl LinkSecret {
    /// Reads one; `None` for anything that we would not have written.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| Self(text.to_owned()))
    }

    /// The text itself: for the mail, and for the cookie that carries it from the link to its page.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn hash(&self) -> String {
        hex::encode(&Sha256::digest(&self.0))
    }
}

impl fmt::Debug for LinkSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkSecret(…)")
    }
}

/// A link that works.
#[derive(Clone, PartialEq, Eq)]
pub struct Link {
    id: Uuid,
    user: UserId,
    /// What it is for.
    pub purpose: Purpose,
    /// The address that it was sent to.
    pub email: String,
}

/// Makes a link on the caller's transaction; its secret is in no table.
pub(crate) async fn mint(
    connection: &mut Connection,
    user: UserId,
    purpose: Purpose,
    email: &str,
    now_ms: i64,
) -> Result<LinkSecret, sqlx::Error> {
    let secret = LinkSecret(ids::secret());
    let link = Link {
        id: ids::row(),
        user,
        purpose,
        email: email.to_owned(),
    };
    store::insert(
        connection,
        &link,
        &secret.hash(),
        now_ms,
        now_ms + purpose.lifetime_ms(),
    )
    .await?;
    Ok(secret)
}

/// Removes links that ended long ago.
pub(super) async fn clean_up(db: &Db, now_ms: i64) -> Result<(), sqlx::Error> {
    store::delete_expired(db.pool(), now_ms - KEEP_MS).await
}

/// Makes every link of the account worthless, on the caller's transaction; one that would change its address is not sent
/// any more.
pub(super) async fn void(connection: &mut Connection, user: UserId, now_ms: i64) -> Result<(), sqlx::Error> {
    mail::withdraw(connection, user, Kind::ChangeEmail).await?;
    store::void(connection, user, now_ms).await
}

impl Accounts {
    /// The link, if it works. Looking uses nothing up.
    pub async fn link(&self, secret: &LinkSecret) -> Result<Option<Link>, AccountError> {
        Ok(store::find(self.db.pool(), &secret.hash(), self.clock.now_ms()).await?)
    }

    /// Uses a link that proves an address, and so a changed one. `login`: who is signed in where it is used, which may be
    /// nobody or somebody else.
    pub async fn verify_email(
        &self,
        secret: &LinkSecret,
        login: Option<&Login>,
        visitor: &Visitor,
    ) -> Result<(), AccountError> {
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        let link = store::consume(&mut tx, &secret.hash(), "verify", now_ms)
            .await?
            .ok_or_else(spent)?;
        let user = store::account(&mut tx, link.user).await?.ok_or_else(spent)?;
        let news = match link.purpose {
            Purpose::ChangeEmail => {
                store::change_email(&mut tx, user.id, &link.email, &key(&link.email), now_ms)
                    .await
                    .map_err(|error| match error.as_database_error() {
                        // Somebody has signed up with it since.
                        Some(error) if error.is_unique_violation() => {
                            FieldErrors::one(Field::FORM, FieldError::EmailTaken).into()
                        }
                        _ => AccountError::from(error),
                    })?;
                // Whoever reads the old address must not get in by a link that was sent there.
                void(&mut tx, user.id, now_ms).await?;
                mail::enqueue(
                    &mut tx,
                    Kind::EmailChanged,
                    Some(user.id),
                    &user.email,
                    Some(&link.email),
                    now_ms,
                )
                .await?;
                true
            }
            _ if key(&user.email) != key(&link.email) => return Err(spent()),
            _ => store::prove_email(&mut tx, user.id, now_ms).await?,
        };
        if let Some(ids) = present_ids(&user, login, visitor).filter(|_| news) {
            let event = ServerEvent::present(user.id, &EmailVerified { token: link.id }, ids, now_ms);
            outbox::enqueue(&mut tx, &event, now_ms).await?;
        }
        tx.commit().await?;
        self.nudge.wake();
        self.post.wake();
        Ok(())
    }

    /// Has a link sent that sets a new password. The answer is the same, and as fast, whether the address has an account
    /// or not: that is looked up when the mail is written.
    pub async fn ask_for_reset(&self, email: &Email, visitor: &Visitor) -> Result<(), AccountError> {
        let now_ms = self.clock.now_ms();
        self.may_ask_for_mail(email, visitor).await?;
        let mut tx = self.db.write().await?;
        mail::enqueue(&mut tx, Kind::ResetPassword, None, email.as_str(), None, now_ms).await?;
        tx.commit().await?;
        self.post.wake();
        Ok(())
    }

    /// Uses a link that sets a new password, and ends every login. Whose they were.
    pub async fn reset_password(
        &self,
        secret: &LinkSecret,
        password: &Secret,
        login: Option<&Login>,
        visitor: &Visitor,
    ) -> Result<UserId, AccountError> {
        // Before the hash: nobody makes us work by guessing.
        self.link(secret).await?.ok_or_else(spent)?;
        let hash = self.hasher.hash(password).await?;

        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        let link = store::consume(&mut tx, &secret.hash(), "reset", now_ms)
            .await?
            .ok_or_else(spent)?;
        let user = store::account(&mut tx, link.user).await?.ok_or_else(spent)?;
        super::store::set_password(&mut tx, user.id, &hash).await?;
        super::store::end_logins(&mut tx, user.id, None, EndedBy::PasswordReset, now_ms).await?;
        void(&mut tx, user.id, now_ms).await?;
        if let Ok(email) = Email::parse(&user.email) {
            super::store::forget_failures(&mut tx, &throttle::Key::guesses_at(&email).hash).await?;
        }
        let browser = browser_in_words(&visitor.user_agent);
        mail::enqueue(
            &mut tx,
            Kind::PasswordChanged,
            Some(user.id),
            &user.email,
            Some(&browser),
            now_ms,
        )
        .await?;
        if let Some(ids) = present_ids(&user, login, visitor) {
            let event =
                ServerEvent::present(user.id, &PasswordResetCompleted { token: link.id }, ids, now_ms);
            outbox::enqueue(&mut tx, &event, now_ms).await?;
        }
        tx.commit().await?;
        self.nudge.wake();
        self.post.wake();
        Ok(user.id)
    }

    /// Has the link that proves the account's address sent once more.
    pub async fn send_verification(&self, login: &Login, visitor: &Visitor) -> Result<(), AccountError> {
        let email = Email::parse(&login.user.email).map_err(|problem| FieldErrors::one(Field::FORM, problem))?;
        self.may_ask_for_mail(&email, visitor).await?;
        let now_ms = self.clock.now_ms();
        let mut tx = self.db.write().await?;
        mail::enqueue(
            &mut tx,
            Kind::VerifyEmail,
            Some(login.user.id),
            email.as_str(),
            None,
            now_ms,
        )
        .await?;
        tx.commit().await?;
        self.post.wake();
        Ok(())
    }

    /// Counts a mail that somebody demands, and refuses it when it is one too many. The address is counted as it was
    /// typed, so that this tells nothing of accounts either.
    pub(super) async fn may_ask_for_mail(&self, to: &Email, visitor: &Visitor) -> Result<(), AccountError> {
        let now_ms = self.clock.now_ms();
        throttle::enter(&self.db, &throttle::Key::mails_from(visitor.address), now_ms).await?;
        throttle::enter(&self.db, &throttle::Key::mails_to(to), now_ms).await
    }
}

fn spent() -> AccountError {
    FieldErrors::one(Field::FORM, FieldError::LinkSpent).into()
}

fn key(address: &str) -> String {
    address.to_lowercase()
}

/// The IDs of an event that `user` brings about by a link. In a browser where somebody else is signed in, device and
/// session are that person's.
fn present_ids(user: &User, login: Option<&Login>, visitor: &Visitor) -> Option<PresentIds> {
    let consent = consent::on_account(user.consent, visitor.choice, visitor.privacy_control);
    let ids = visitor.tracking.as_ref().filter(|_| consent != Choice::Denied)?;
    let somebody_else = login.is_some_and(|login| login.user.id != user.id);
    Some(if somebody_else {
        PresentIds::Unknown
    } else {
        ids.clone()
    })
}

#[cfg(test)]
mod tests {
    use tracking::{DeviceId, Found, SessionId};

    use super::*;

    #[test]
    fn only_what_we_would_have_written_is_a_secret() {
        let secret = ids::secret();
        assert_eq!(LinkSecret::parse(&secret).unwrap().expose(), secret);
        assert_eq!(format!("{:?}", LinkSecret::parse(&secret)), "Some(LinkSecret(…))");
        for text in [
            "",
            "00ff",
            &secret.to_uppercase(),
            &secret[1..],
            &format!("{secret}0"),
            &"é".repeat(32),
        ] {
            assert!(LinkSecret::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn purposes_are_read_as_they_are_written() {
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::parse(purpose.as_str()), Some(purpose));
        }
    }

    #[test]
    fn whose_ids_an_event_gets() {
        let user = |consent| User {
            id: UserId::new(Uuid::nil()),
            email: "ada@example.com".to_owned(),
            verified: false,
            consent,
        };
        let login = |id| Login {
            id: Uuid::nil(),
            user: User {
                id: UserId::new(id),
                ..user(Choice::Unset)
            },
            last_seen_at: 0,
        };
        let live = PresentIds::Live {
            device: DeviceId::minted(Uuid::max()),
            session: SessionId::starting_at(1_795_000_000_000),
            found: Found::ServerSession,
        };
        let visitor = |tracking, choice, privacy_control| Visitor {
            tracking,
            choice,
            privacy_control,
            address: "192.0.2.7".parse().unwrap(),
            user_agent: String::new(),
            voter: None,
        };
        let (hers, his) = (login(Uuid::nil()), login(Uuid::max()));
        use Choice::{Denied, Granted, Unset};
        let tracked = |choice, gpc| visitor(Some(live.clone()), choice, gpc);
        #[rustfmt::skip]
        let table = [
            // what,                       account, signed in,   browser,                          IDs
            ("nobody is signed in",        Unset,   None,        tracked(Unset, false),            Some(live.clone())),
            ("the same person",            Unset,   Some(&hers), tracked(Unset, false),            Some(live.clone())),
            ("somebody else",              Unset,   Some(&his),  tracked(Unset, false),            Some(PresentIds::Unknown)),
            ("the browser says no",        Unset,   None,        visitor(None, Denied, false),     None),
            ("the account says no",        Denied,  None,        tracked(Granted, false),          None),
            ("the account says yes",       Granted, None,        tracked(Unset, true),             Some(live.clone())),
        ];
        for (what, consent, login, visitor, expected) in table {
            assert_eq!(present_ids(&user(consent), login, &visitor), expected, "{what}");
        }
    }
}
