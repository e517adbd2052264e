// Runs the browser SDK, @segment/analytics-next, in a page made by jsdom; prints what it tells of each event.
// It asks URL for its settings, sends where they tell it to, and ends with its standard input.
// node browser_client.cjs URL EVENTS STRATEGY
const { JSDOM } = require('jsdom')

const [url, events, strategy] = process.argv.slice(2)
const page = new JSDOM('<!doctype html><title>Account</title>', {
  url: 'http://localhost/account?tab=billing',
  referrer: 'http://localhost/',
  pretendToBeVisual: true,
})
for (const name of ['window', 'document', 'location', 'localStorage', 'sessionStorage', 'CustomEvent']) {
  globalThis[name] = name === 'window' ? page.window : page.window[name]
}
Object.defineProperty(globalThis, 'navigator', { value: page.window.navigator, configurable: true })
page.window.fetch = globalThis.fetch

const { AnalyticsBrowser } = require('@segment/analytics-next')

async function main() {
  const delivery = strategy === 'batching' ? { strategy, config: { size: 3, timeout: 200 } } : undefined
  const [analytics] = await AnalyticsBrowser.load(
    { writeKey: 'WRITE_KEY', cdnURL: url },
    { integrations: { 'Segment.io': { deliveryStrategy: delivery } } }
  )
  const errors = []
  analytics.on('error', (error) => errors.push(error.code))
  const contexts = []
  for (let number = 0; number < Number(events); number += 6) {
    contexts.push(await analytics.page('Docs', 'Home'))
    contexts.push(await analytics.identify('user-13', { email: 'linus@example.com' }))
    contexts.push(await analytics.track('Order Completed', { revenue: 5, number }))
    contexts.push(await analytics.screen('Main'))
    contexts.push(await analytics.group('team-1', { name: 'Team' }))
    contexts.push(await analytics.alias('user-14', 'user-13'))
  }
  const ids = contexts.map((context) => context.event.messageId)
  // What was refused is sent again later: the test closes the standard input when all has arrived.
  process.stdin.resume().on('end', () => {
    errors.push(...contexts.filter((context) => context.failedDelivery()).map(() => 'failed'))
    process.stdout.write(JSON.stringify({ ids, errors }) + '\n', () => process.exit(0))
  })
}

main()
