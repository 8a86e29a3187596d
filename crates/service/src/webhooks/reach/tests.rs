//! Spellings of addresses, private and public.

use super::*;

fn reach(allowed: &[&str]) -> Reach {
    let parse = |text: &&str| Allowed::parse(text).expect("good");
    Reach::new(allowed.iter().map(parse).collect())
}

#[test]
fn what_is_reserved_can_be_read() {
    for text in RESERVED {
        assert!(text.parse::<IpNet>().is_ok(), "{text}");
    }
}

#[test]
fn public_addresses_over_https_and_nothing_else() {
    let reach = reach(&[]);
    for good in [
        "https://example.org/hooks?key=1",
        "https://example.org:8443/",
        "https://93.184.216.34/",
        "https://[2606:2800:220:1:248:1893:25c8:1946]/x",
        "https://172.32.0.1/",
    ] {
        assert!(reach.url(good).is_ok(), "{good}: {:?}", reach.url(good));
    }
    for bad in [
        "",
        "example.org",
        "//example.org/",
        "http://example.org/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "unix:///run/podman.sock",
        "https://user@example.org/",
        "https://user:password@example.org/",
        "https://:password@example.org/",
        "https://example.org/#x",
        "https://example.org:0/",
        "https://example .org/",
        "https://example.org/\n",
        "https://exa\tmple.org/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://a.localhost:8443/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://0/",
        "https://0.0.0.0/",
        "https://１２７.０.０.１/",
        "https://127。0。0。1/",
        "https://127.0.0.1./",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest/meta-data",
        "https://2852039166/",
        "https://192.168.1.1/",
        "https://172.31.255.255/",
        "https://100.100.100.200/",
        "https://255.255.255.255/",
        "https://224.0.0.1/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[::127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[2001:0:1::1]/",
        "https://[fe80::1]/",
        "https://[fd00:ec2::254]/",
        "https://[ff02::1]/",
        &format!("https://example.org/{}", "x".repeat(2048)),
    ] {
        assert!(reach.url(bad).is_err(), "{bad}: {:?}", reach.url(bad));
    }
}

#[test]
fn what_a_name_leads_to_is_judged_when_it_is_known() {
    let reach = reach(&["hooks.lan", "10.1.0.0/16"]);
    let https = Url::parse("https://example.org/").expect("a URL");
    let http = Url::parse("http://example.org/").expect("a URL");
    let listed = Url::parse("http://hooks.lan/").expect("a URL");
    for (url, address, may) in [
        (&https, "93.184.216.34", true),
        (&https, "127.0.0.1", false),
        (&https, "::ffff:169.254.169.254", false),
        (&https, "10.1.2.3", true),
        (&http, "10.1.2.3", true),
        (&http, "::ffff:10.1.2.3", true),
        (&http, "10.2.2.3", false),
        (&http, "93.184.216.34", false),
        (&listed, "127.0.0.1", true),
        (&listed, "93.184.216.34", true),
    ] {
        let address = address.parse().expect("an address");
        assert_eq!(reach.permits(url, address), may, "{url} {address}");
    }
}

#[test]
fn the_operator_can_allow_more() {
    let reach = reach(&[
        "127.0.0.1:8080",
        "Hooks.Lan.:9000",
        "fd00::/8",
        "[::1]:7000",
    ]);
    for good in [
        "http://127.0.0.1:8080/",
        "http://localhost:8080/",
        "http://localhost.:8080/",
        "http://2130706433:8080/",
        "http://[::ffff:127.0.0.1]:8080/",
        "https://127.0.0.1:8080/",
        "http://hooks.lan:9000/",
        "http://hooks.lan.:9000/",
        "http://[fd00::5]/",
        "http://[::1]:7000/",
        // Where this leads is not known yet.
        "http://example.org/",
    ] {
        assert!(reach.url(good).is_ok(), "{good}: {:?}", reach.url(good));
    }
    for bad in [
        "http://127.0.0.1/",
        "http://127.0.0.1:8081/",
        "http://127.0.0.2:8080/",
        "http://10.0.0.1:8080/",
        "http://user@127.0.0.1:8080/",
        "http://[::1]:8080/",
    ] {
        assert!(reach.url(bad).is_err(), "{bad}: {:?}", reach.url(bad));
    }
    for wrong in [
        "",
        "*",
        "a b",
        "hooks.lan:0",
        "hooks.lan:x",
        "http://a/",
        "10.0.0.0/33",
        "10.0.0.0/8:80",
    ] {
        assert_eq!(Allowed::parse(wrong), None, "{wrong}");
    }
    for text in [
        "hooks.lan",
        "hooks.lan:9000",
        "10.0.0.0/8",
        "127.0.0.1:80",
        "[::1]:80",
    ] {
        let allowed = Allowed::parse(text).expect("good");
        assert_eq!(allowed.to_string(), text);
    }
}
