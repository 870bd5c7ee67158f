import { existsSync } from 'node:fs'
import { chromium, type Browser, type Locator, type Page } from 'playwright-core'

const usualPaths = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const patienceMs = 20_000 // a machine that runs many tests at once is slow, not wrong

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** @throws Error with what to install: a test without its browser must not pass */
export async function openBrowser(): Promise<Browser> {
  const path = process.env['CHROMIUM'] ?? usualPaths.find((candidate) => existsSync(candidate))
  if (path === undefined)
    throw new Error('Chromium is not installed; install it, or set CHROMIUM to its path')
  return chromium.launch({ executablePath: path, headless: true, args: flags })
}

/** The playground's page, as somebody who looks at it would describe it. */
export interface SlackPage {
  page: Page
  /** What went wrong in the page itself. */
  errors: string[]
  be(name: string): Promise<void>
  open(channel: string): Promise<void>
  /** Types into the channel that is open, and sends it. */
  say(text: string): Promise<void>
  /** The newest message of the open channel that holds these words. */
  message(words: RegExp | string): Locator
  /** Waits for it. */
  sees(words: RegExp | string): Promise<Locator>
  /** Only this person sees it. */
  seesPrivately(words: RegExp | string): Promise<Locator>
  /** Opens a message's thread and waits for a reply with these words. */
  seesReply(message: Locator, words: RegExp | string): Promise<Locator>
  dialog(): Locator
  closeDialog(): Promise<void>
}

export async function openSlack(browser: Browser, url: string): Promise<SlackPage> {
  const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } })
  page.setDefaultTimeout(patienceMs)
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  await page.goto(url)
  const list = page.getByRole('log', { name: 'Messages', exact: true })
  const message = (words: RegExp | string): Locator =>
    list.getByRole('article').filter({ hasText: words }).last()
  const sees = async (words: RegExp | string): Promise<Locator> => {
    const found = message(words)
    await found.waitFor()
    return found
  }
  const dialog = (): Locator => page.getByRole('dialog')
  return {
    page,
    errors,
    message,
    sees,
    dialog,
    be: async (name) => {
      await page.getByRole('combobox', { name: 'You are' }).selectOption({ label: name })
      await page.getByText(name.replace(/ \(.*/, ''), { exact: true }).first().waitFor()
    },
    open: async (channel) => {
      const name = new RegExp(`^#? ?${channel}`)
      await page.getByRole('navigation').getByRole('button', { name }).click()
      await page.getByRole('heading', { level: 2, name: new RegExp(channel) }).waitFor()
    },
    say: async (text) => {
      const box = page.getByRole('textbox', { name: /^Message #/ })
      await box.fill(text)
      await box.press('Enter')
    },
    async seesPrivately(words) {
      const found = await sees(words)
      await found.getByText('Only visible to you').waitFor()
      return found
    },
    async seesReply(parent, words) {
      await parent.getByRole('button', { name: /\d repl(y|ies)/ }).click()
      const reply = page
        .getByRole('log', { name: 'Thread messages' })
        .getByRole('article')
        .filter({ hasText: words })
        .last()
      await reply.waitFor()
      return reply
    },
    closeDialog: async () => {
      await dialog().getByRole('button', { name: 'Close' }).first().click()
      await dialog().waitFor({ state: 'detached' })
    },
  }
}
