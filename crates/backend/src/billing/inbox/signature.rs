//! Verifies the signature of a webhook: an HMAC of the raw body and the time of sending (Stripe, "Verify webhook signatures
//! manually"). async-stripe's check also parses the body, so it is not used here.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// How far the time of sending may be from our clock, in seconds: the tolerance of Stripe's own libraries.
const TOLERANCE_SECS: u64 = 300;

/// Why a request is not a valid webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWebhookError {
    /// The signature is missing or matches none of the secrets. A changed body has the same effect.
    #[error("the signature does not match any webhook secret")]
    Signature,
    /// The signature is more than 5 minutes old or ahead: a replayed request, or the server's clock is wrong.
    #[error("the signature is more than 5 minutes old or ahead; is the server's clock right?")]
    Timestamp,
    /// The signed body is not an event.
    #[error("the body is not a Stripe event")]
    NotAnEvent,
}

/// Returns when the body was sent, in seconds since the epoch, if one of the secrets signed it. `None` otherwise.
pub(super) fn verify(body: &[u8], header: &str, secrets: &[SecretString]) -> Option<i64> {
    let mut sent_at_secs = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.split_once('=')? {
            ("t", time) => sent_at_secs = Some(time.parse::<i64>().ok()?),
            ("v1", signature) => signatures.push(decode_hex(signature)?),
            _ => {}
        }
    }
    let sent_at_secs = sent_at_secs?;
    let is_signed_with = |secret: &SecretString| {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else {
            return false;
        };
        mac.update(format!("{sent_at_secs}.").as_bytes());
        mac.update(body);
        signatures
            .iter()
            .any(|signature| mac.clone().verify_slice(signature).is_ok())
    };
    secrets.iter().any(is_signed_with).then_some(sent_at_secs)
}

/// Whether a webhook that was sent at `sent_at_secs` is accepted at `now_ms`. An older one may be a repeated request.
pub(super) const fn is_recent(sent_at_secs: i64, now_ms: i64) -> bool {
    now_ms.div_euclid(1000).abs_diff(sent_at_secs) <= TOLERANCE_SECS
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let bytes = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
        _ => None,
    });
    bytes.collect()
}

#[cfg(test)]
mod tests {
    use stripe_webhook::Webhook;

    use super::*;

    const NOW_MS: i64 = 1_795_000_000_000;

    fn signed(payload: &str, secret: &str, seconds_ago: i64) -> String {
        Webhook::generate_test_header(payload, secret, Some(NOW_MS / 1000 - seconds_ago))
    }

    fn verify_at(body: &[u8], header: &str, secrets: &[SecretString]) -> Result<(), InvalidWebhookError> {
        match verify(body, header, secrets) {
            None => Err(InvalidWebhookError::Signature),
            Some(sent_at_secs) if is_recent(sent_at_secs, NOW_MS) => Ok(()),
            Some(_) => Err(InvalidWebhookError::Timestamp),
        }
    }

    #[test]
    fn a_signature_of_any_secret_is_accepted() {
        let secrets: Vec<SecretString> = vec!["whsec_new".into(), "whsec_old".into()];
        let known = r#"{"id":"evt_1","type":"invoice.paid","created":1,"data":{"object":{"id":"in_1"}}}"#;
        let rolled = format!(
            "{},{}",
            signed(known, "whsec_other", 0),
            signed(known, "whsec_old", 0).split_once(',').unwrap().1
        );
        let rows = [
            ("new", known, signed(known, "whsec_new", 0), Ok(())),
            ("old", known, signed(known, "whsec_old", 299), Ok(())),
            ("the second of two signatures", known, rolled, Ok(())),
            ("signed but not JSON", "?", signed("?", "whsec_new", 0), Ok(())),
            (
                "another body",
                "{}",
                signed(known, "whsec_new", 0),
                Err(InvalidWebhookError::Signature),
            ),
            (
                "another secret",
                known,
                signed(known, "whsec_other", 0),
                Err(InvalidWebhookError::Signature),
            ),
            ("none", known, String::new(), Err(InvalidWebhookError::Signature)),
            (
                "no time",
                known,
                "v1=00".into(),
                Err(InvalidWebhookError::Signature),
            ),
            (
                "junk",
                known,
                "t=x,v1=zz".into(),
                Err(InvalidWebhookError::Signature),
            ),
            (
                "too old",
                known,
                signed(known, "whsec_old", 301),
                Err(InvalidWebhookError::Timestamp),
            ),
            (
                "ahead",
                known,
                signed(known, "whsec_new", -301),
                Err(InvalidWebhookError::Timestamp),
            ),
        ];
        for (why, payload, header, expected) in rows {
            assert_eq!(
                verify_at(payload.as_bytes(), &header, &secrets),
                expected,
                "{why}"
            );
        }
        // The raw bytes are signed, also if they are not UTF-8.
        assert_eq!(verify(b"\xff", "t=1,v1=00", &secrets), None);
    }

    mod fuzz {
        use super::*;

        const SECRETS: [&str; 2] = ["whsec_new", "whsec_old"];
        const TOKENS: [&str; 10] = ["t=", ",t=1", "v1=", ",v1=00", "v0=", ",", "=", "\n", "-", " "];

        /// Whether the header has the signature of this body, with a time of the last or next 5 minutes.
        fn is_signed(body: &str, header: &str) -> bool {
            let values = |key: &'static str| header.split(',').filter_map(move |part| part.strip_prefix(key));
            values("t=")
                .filter_map(|time| time.parse::<i64>().ok())
                .any(|time| {
                    (NOW_MS / 1000).abs_diff(time) <= 300
                        && SECRETS.iter().any(|secret| {
                            let header = Webhook::generate_test_header(body, secret, Some(time));
                            let expected = header.split_once("v1=").unwrap().1.to_owned();
                            values("v1=").any(|found| found.eq_ignore_ascii_case(&expected))
                        })
                })
        }

        #[test]
        fn webhook_signatures() {
            let body = r#"{"id":"evt_1","type":"invoice.paid","created":1,"data":{"object":{"id":"in_1"}}}"#;
            let old = signed(body, "whsec_old", 299);
            let corpus = [
                format!("{}\n{body}", signed(body, "whsec_new", 0)),
                format!("{old},v1={},v0=1\n{body}", "0".repeat(64)),
                format!("{}\n{body}", signed(body, "whsec_other", 0)),
                format!("{}\n{body}", signed(body, "whsec_new", 301)),
                format!("{}\n", signed("", "whsec_new", 0)),
            ];
            let secrets = SECRETS.map(SecretString::from);
            fuzzing::fuzz("webhook_signatures", &TOKENS, &corpus, |input| {
                let text = String::from_utf8_lossy(input);
                let (header, body) = text.split_once('\n').unwrap_or((&text, ""));
                let verified = verify_at(body.as_bytes(), header, &secrets);
                assert!(verified.is_err() || is_signed(body, header));
                verified.is_ok()
            });
        }
    }
}
