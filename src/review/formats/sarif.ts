import { ruleOf } from '../../runbook/rules';
import type { Review } from '../model';
import { extraRules, type ReportItem, reportItems } from './report-items';

export interface SarifOptions {
  /** Also what was there before (`unchanged`) and what is gone (`absent`). GitHub takes no notice of this state, and would show all as alerts. */
  all?: boolean;
  /** Of Virtbook. */
  version?: string;
}

/** GitHub shows no more of a run. */
const mostResults = 5000;
/** GitHub's limit for what is said of a rule. */
const mostOfRule = 1024;
/** Longer messages are no use in a list of results. */
const mostOfMessage = 4000;

const levels = { error: 'error', warning: 'warning', info: 'note' } as const;

/** SARIF 2.1.0, as code scanning reads it. */
export function reviewSarif(review: Review, { all = false, version }: SarifOptions = {}): string {
  const items = reportItems(review)
    .filter(({ state }) => all || state === 'new')
    .slice(0, mostResults);
  const codes = [...new Set(items.map(({ code }) => code))].sort();
  const log = {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: { name: 'Virtbook', ...(version ? { semanticVersion: version } : {}), rules: codes.map(rule) },
        },
        automationDetails: { id: 'virtbook-review/' },
        columnKind: 'utf16CodeUnits',
        originalUriBaseIds: { '%SRCROOT%': { description: { text: 'The root of the repository.' } } },
        results: items.map(item => result(item, codes)),
      },
    ],
  };
  return `${JSON.stringify(log, undefined, 2)}\n`;
}

function rule(code: string): object {
  const { severity, summary, docs } = ruleOf(code) ??
    extraRules[code] ?? { severity: 'warning', summary: code, docs: code };
  return {
    id: code,
    shortDescription: { text: summary.slice(0, mostOfRule) },
    fullDescription: { text: summary.slice(0, mostOfRule) },
    help: { text: docs, markdown: docs },
    defaultConfiguration: { level: levels[severity] },
    properties: {
      tags: [code.startsWith('rehearsal-') ? 'rehearsal' : 'runbook'],
      precision: 'high',
      'problem.severity': severity === 'info' ? 'recommendation' : severity,
    },
  };
}

function result({ code, severity, message, place, state, fingerprint }: ReportItem, codes: readonly string[]): object {
  return {
    ruleId: code,
    ruleIndex: codes.indexOf(code),
    level: levels[severity],
    message: { text: message.slice(0, mostOfMessage) },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: place.path.split('/').map(encodeURIComponent).join('/'), uriBaseId: '%SRCROOT%' },
          region: { startLine: place.line, endLine: place.endLine },
        },
      },
    ],
    // GitHub follows an alert over commits by the first; without it, it would hash the lines.
    partialFingerprints: { primaryLocationLineHash: `${fingerprint}:1`, 'virtbookReview/v1': fingerprint },
    baselineState: state,
  };
}
