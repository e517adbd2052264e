"""Words that say nothing of a person where they stand: what routes, pages, ids and browsers are made of.

All are in lower case. Whoever is not sure of a word leaves it out: it becomes a pseudonym then, which harms nobody.
"""

from typing import Final

# Whole texts that are values of another kind, or none.
_CONSTANTS_TEXT: Final = "true false null none undefined nan yes no on off n/a unknown other default"
CONSTANTS: Final = frozenset(_CONSTANTS_TEXT.split())

# Before - _ : or | at the beginning of an id: what kind of id it is.
_PREFIXES_TEXT: Final = """
user usr users uid anon anonymous acct acc account customer cus cust client member visitor guest team org
organization group grp workspace ws tenant company project proj session sess device dev order ord invoice inv sub
subscription plan product prod item sku event evt msg message id ref node next ajs api content mobile ios android
web mailto tel auth0 oauth2 google test live sandbox key tok token
"""
PREFIXES: Final = frozenset(_PREFIXES_TEXT.split())

# In paths, titles and names of pages, keys of queries and the like.
_WORDS_TEXT: Final = """
a about accept access accounts activate activity add admin alerts all analytics and app apps archive article
articles assets audio auth author authors basic bar basket beta billing blog board book books browse business by
callback campaign cancel card cards careers cart catalog categories category change changelog channel channels chat
check checkout choose close code comments community compare complete completed confirm confirmation contact
contacts content continue create credits current custom customers daily dashboard data day deals default delete
delivery demo detail details developer developers devices discover docs document documentation documents domain
done download downloads draft edit email embed enterprise error events everything expired explore export faq faqs
favorites feature features feed feedback file files filter find first folder for form forms forum free friends from
gallery get getting go growth guide guides health help history hobby home hotels how html i import in inbox index
info install integrations internal intro invite invites invoices is items job jobs join jobs keys lang language
last latest learn legal lesson lessons library license licenses limit link links list lists live local locale
location log login logout mail main manage map maps marketing me media members membership menu messages method
mode monthly more movie movies music my name new news newsletter notes notification notifications of offer offers
offset old on onboarding open options orders organizations our overview page pages partner partners password
payment payments paid people period personal phone photo photos php plans play player playlist policy popular
portal portfolio post posts premium preview pricing privacy pro product products profile profiles projects
promo promotion public purchase q query question questions read recent recover referral refund register remove
renew report reports request requests reset resources restart result results return reviews rss sale sales save
schedule scroll search section security select send seo series service services session set settings setup share
shared shop show sign signin signout signup site sitemap size skip social solutions song songs sort source special
staging start started starter state static stats status step steps stop store stories story stream studio submit
subscribe subscriptions success suggest summary support survey sync system tab table tag tags task tasks teams
template templates term terms thanks thank the theme ticket tickets time title to tool tools top topics tour track
training trial tutorial tutorials type unsubscribe up update updates upgrade upgraded upload url usage use utm v v1
v2 v3 v4 verify version video videos view watch webinar week weekly welcome what why wiki with work year yearly you
your
cpc ppc organic referral affiliate newsletter banner bing facebook twitter instagram linkedin youtube tiktok
utm_source utm_medium utm_campaign utm_term utm_content gclid fbclid msclkid
redirect target origin total subtotal amount price value discount coupon tax shipping revenue number color
usd eur gbp jpy chf cad aud inr brl
active inactive pending failed succeeded canceled cancelled suspended blocked
card paypal stripe visa mastercard credit debit bank transfer
"""
WORDS: Final = PREFIXES | frozenset(_WORDS_TEXT.split())

# Labels of host names, and names that belong to nobody.
_HOSTS_TEXT: Final = "www app api m mobile web docs help blog shop store support status cdn static mail my"
HOSTS: Final = frozenset(_HOSTS_TEXT.split())
RESERVED: Final = ("example.com", "example.net", "example.org")
_RESERVED_ENDS_TEXT: Final = "example test invalid localhost local"
RESERVED_ENDS: Final = frozenset(_RESERVED_ENDS_TEXT.split())

# Ends of host names that stand alone: few, for what has another end may be a file or a person's name.
_ENDS_TEXT: Final = """
com net org io edu gov int info biz dev app ai cloud tech shop store online site xyz eu uk de fr ch at nl be es pt pl cz
dk se fi jp cn in au nz ca br mx ru ie us co
"""
ENDS: Final = "|".join(_ENDS_TEXT.split())

# Names of letters and digits that are no ids.
_TECHNICAL_TEXT: Final = (
    "sha1 sha256 sha384 sha512 md5 iso8601 e164 x509 base64 utf8 ipv4 ipv6 oauth2 auth0 win32 win64 x86"
)
TECHNICAL: Final = frozenset(_TECHNICAL_TEXT.split())

# In a browser's name of itself.
_AGENTS_TEXT: Final = """
mozilla applewebkit khtml like gecko chrome safari firefox edg edge opr opera mobile version macintosh intel mac os
x x11 windows nt win64 x64 wow64 linux x86 64 android iphone ipad ipod cpu u like compatible rv build wv jsdom node
googlebot bot cfnetwork darwin okhttp dalvik samsungbrowser crios fxios trident msie ubuntu cros arm
"""
AGENTS: Final = frozenset(_AGENTS_TEXT.split())

# Last keys of a path whose numbers count or measure something.
_QUANTITIES_TEXT: Final = """
quantity count total_count position index width height density innerwidth innerheight outerwidth outerheight
page_size per_page step level rating score percent percentage progress duration duration_ms seats devices
"""
QUANTITIES: Final = frozenset(_QUANTITIES_TEXT.split())

# Last keys of a path whose texts are chosen from a few, by whoever made the site.
_CHOICES_TEXT: Final = """
plan tier currency status state interval source medium method platform language type kind role channel category
billing_period billing_interval payment_method subscription_status
"""
CHOICES: Final = frozenset(_CHOICES_TEXT.split())
