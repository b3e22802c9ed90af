//! The content of mails. The plain text and the HTML form are rendered from the same content.

use serde::{Deserialize, Serialize};

/// The content of a mail. It has no `Debug`, because its link contains a secret.
///
/// The mailbox of local mode stores it as JSON: the field names are part of the database.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailContent {
    /// The subject line.
    pub subject: String,
    /// Paragraphs before the button.
    pub before: Vec<String>,
    /// The button, if there is one.
    pub action: Option<CallToAction>,
    /// Paragraphs after the button.
    pub after: Vec<String>,
}

/// A button with a link.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallToAction {
    /// The text of the button.
    pub label: String,
    /// The URL of the link.
    pub url: String,
}

const NOT_YOU: &str =
    "If you did not request this, ignore this email. Nothing changes unless the link is used.";

impl MailContent {
    /// Asks a new user to confirm the address.
    pub fn verify_email(url: String) -> Self {
        Self::new(
            "Confirm your email address",
            &["Welcome to Seamline. Please confirm that this address is yours."],
            Some(("Confirm my address", url)),
            &[
                "The link works once, within 3 days, in a browser that is signed in to this account.",
                NOT_YOU,
            ],
        )
    }

    /// Asks to confirm a new address.
    pub fn change_email(url: String) -> Self {
        Self::new(
            "Confirm your new email address",
            &[
                "You asked to use this address for your Seamline account. Please confirm that it is yours. Until then, your old address stays in use.",
            ],
            Some(("Use this address", url)),
            &[
                "The link works once, within a day, in a browser that is signed in to your account.",
                NOT_YOU,
            ],
        )
    }

    /// To a new address that already has another account.
    pub fn email_in_use() -> Self {
        Self::new(
            "This address has a Seamline account",
            &[
                "We received a request to use this address for another Seamline account. The address already has an account, so nothing was changed.",
                "If you made this request, sign in with this address instead, or delete its account first.",
            ],
            None,
            &[],
        )
    }

    /// To the current address, before the change is confirmed.
    pub fn change_email_notice(new: &str) -> Self {
        Self::new(
            "Your email address is about to change",
            &[&format!(
                "We received a request to change the address of your Seamline account to {new}. It was made with your password. We sent a confirmation link to that address. Nothing changes until the link is used."
            )],
            None,
            &["If you did not request this, change your password now. The link will then stop working."],
        )
    }

    /// To the previous address, after the change.
    pub fn email_changed(new: &str) -> Self {
        Self::new(
            "Your email address was changed",
            &[&format!(
                "Your Seamline account now uses {new}. You can no longer sign in with this address, and this is the last email to it."
            )],
            None,
            &["If you did not make this change, contact the operator of this site at once."],
        )
    }

    /// Contains the link that sets a new password.
    pub fn reset_password(url: String) -> Self {
        Self::new(
            "Set a new password",
            &["We received a request to set a new password for your Seamline account."],
            Some(("Set a new password", url)),
            &[
                "The link works once, within an hour. Every browser that is signed in now will be signed out.",
                NOT_YOU,
            ],
        )
    }

    /// After the password was changed. `forgot` is the URL of the password reset page.
    pub fn password_changed(browser: &str, forgot: String) -> Self {
        Self::new(
            "Your password was changed",
            &[&format!(
                "The password of your Seamline account was changed in {browser}. All other browsers were signed out."
            )],
            None,
            &[&format!(
                "If you did not make this change, set a new password now: {forgot}"
            )],
        )
    }

    /// After the account was closed.
    pub fn account_deleted() -> Self {
        Self::new(
            "Your account is being deleted",
            &[
                "Your Seamline account is closed, and sign-in is disabled. Your polls, logins and address are erased within minutes. A subscription is canceled.",
                "Amplitude is asked last to delete your data there, which it does within 30 days. If we cannot ask, the request stays open until our operator has fixed that. You do not need to do anything else.",
            ],
            None,
            &["This is the last email to this address. Thank you for using Seamline."],
        )
    }

    /// Before a trial ends and a card is charged. `end` is a date, `billing` the URL of the billing page.
    pub fn trial_ending(end: &str, billing: String) -> Self {
        Self::new(
            &format!("Your trial ends on {end}"),
            &[&format!(
                "Your trial of Seamline Pro ends on {end}. Your card is then charged for the first period, unless you cancel before."
            )],
            Some(("Open billing", billing)),
            &["You receive this email once for each trial."],
        )
    }

    /// Before a trial ends that has no card. `end` is a date, `billing` the URL of the billing page.
    pub fn trial_ending_without_card(end: &str, billing: String) -> Self {
        Self::new(
            &format!("Your trial ends on {end}"),
            &[&format!(
                "Your trial of Seamline Pro ends on {end}. You have not added a card, so Pro ends with the trial and nothing is charged. Add a card to keep Pro."
            )],
            Some(("Add a card", billing)),
            &["You receive this email once for each trial."],
        )
    }

    /// After a payment failed. `amount` has its currency, `billing` is the URL of the page on which the card is changed.
    pub fn payment_failed(amount: &str, billing: String) -> Self {
        Self::new(
            "Your payment failed",
            &[&format!(
                "Your bank declined the payment of {amount} for Seamline Pro. You keep Pro while the payment is tried again. Please check your card, or use another one."
            )],
            Some(("Change the card", billing)),
            &["You receive this email once for each attempt to charge your card."],
        )
    }

    fn new(subject: &str, before: &[&str], action: Option<(&str, String)>, after: &[&str]) -> Self {
        let owned = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        Self {
            subject: subject.to_owned(),
            before: owned(before),
            action: action.map(|(label, url)| CallToAction {
                label: label.to_owned(),
                url,
            }),
            after: owned(after),
        }
    }

    /// The plain text form.
    pub fn text(&self) -> String {
        let action = self
            .action
            .iter()
            .map(|action| format!("{}:\n{}", action.label, action.url));
        let lines = self.before.iter().cloned().chain(action);
        let mut text = lines
            .chain(self.after.iter().cloned())
            .collect::<Vec<_>>()
            .join("\n\n");
        text.push_str("\n\n-- \nSeamline, polls for teams\n");
        text
    }

    /// The HTML form. It loads no images or other resources, so opening the mail cannot be tracked.
    pub fn html(&self) -> String {
        let paragraph = |line: &String| format!("<p style=\"margin:0 0 16px\">{}</p>", escape_html(line));
        let before: String = self.before.iter().map(paragraph).collect();
        let after: String = self.after.iter().map(paragraph).collect();
        let action = self.action.as_ref().map_or_else(String::new, |action| {
            format!(
                "<p style=\"margin:24px 0\"><a href=\"{}\" style=\"display:inline-block;padding:12px 20px;\
                 border-radius:10px;background:#1a1d24;color:#fffefb;font-weight:600;text-decoration:none\">{}</a></p>",
                escape_html(&action.url),
                escape_html(&action.label)
            )
        });
        format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{subject}</title></head>\
             <body style=\"margin:0;padding:32px 16px;background:#f5f3ee;color:#1a1d24;\
             font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif\">\
             <div style=\"max-width:520px;margin:0 auto;padding:32px;border:1px solid #dedad0;border-radius:16px;\
             background:#fffefb\"><p style=\"margin:0 0 24px;font-weight:700\">Seamline</p>\
             <h1 style=\"margin:0 0 16px;font-size:22px;line-height:1.25\">{subject}</h1>{before}{action}\
             <div style=\"color:#575b66;font-size:14px\">{after}</div></div></body></html>",
            subject = escape_html(&self.subject),
        )
    }
}

/// Escapes text for HTML content and attributes.
fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_html_have_the_same_content() {
        let url = "https://demo.example/verify/00ff".to_owned();
        for content in [
            MailContent::verify_email(url.clone()),
            MailContent::change_email(url.clone()),
            MailContent::reset_password(url.clone()),
            MailContent::email_in_use(),
            MailContent::change_email_notice("bob@example.com"),
            MailContent::email_changed("bob@example.com"),
            MailContent::password_changed("Firefox on Linux", "https://demo.example/forgot".to_owned()),
            MailContent::account_deleted(),
            MailContent::trial_ending("18 November 2026", url.clone()),
            MailContent::trial_ending_without_card("18 November 2026", url.clone()),
            MailContent::payment_failed("12.00 USD", url.clone()),
        ] {
            let (text, html) = (content.text(), content.html());
            for line in content.before.iter().chain(&content.after) {
                assert!(text.contains(line) && html.contains(line), "{line}");
            }
            if let Some(action) = &content.action {
                assert!(
                    text.contains(&format!("\n{url}\n")),
                    "the URL is on its own line: {text}"
                );
                assert!(html.contains(&format!("href=\"{url}\"")) && html.contains(&action.label));
            }
            assert!(!html.contains("<img") && !html.contains("src="), "{html}");
        }
    }

    #[test]
    fn addresses_are_escaped_in_html() {
        let html = MailContent::email_changed("a&b\"<b>@example.com").html();
        assert!(html.contains("a&amp;b&quot;&lt;b&gt;@example.com"), "{html}");
    }
}
