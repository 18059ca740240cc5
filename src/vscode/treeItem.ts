import * as vscode from 'vscode';
import type { Row } from './inventory/rows';

/** A row as VS Code draws it, without its tooltip: that is made when somebody points at it. Menus look for `;action;` in the context value. */
export function treeItem(id: string, row: Row, collapsible: vscode.TreeItemCollapsibleState): vscode.TreeItem {
  const item = new vscode.TreeItem(row.label, collapsible);
  item.id = id;
  item.description = row.description;
  item.accessibilityInformation = { label: row.spoken };
  item.contextValue = row.actions.length > 0 ? `;${row.actions.join(';')};` : undefined;
  if (row.icon)
    item.iconPath = new vscode.ThemeIcon(row.icon, row.color ? new vscode.ThemeColor(row.color) : undefined);
  return item;
}

/** Names and values of a row. undefined: there is no more to say than the row does. */
export function tooltipOf(row: Row): vscode.MarkdownString | undefined {
  if (row.facts.length === 0) return undefined;
  const tooltip = new vscode.MarkdownString();
  tooltip.appendMarkdown('**').appendText(row.label).appendMarkdown('**  \n');
  for (const [name, value] of row.facts) {
    tooltip.appendText(name ? `${name}: ${value}` : value);
    tooltip.appendMarkdown('  \n');
  }
  return tooltip;
}
