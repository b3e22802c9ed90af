import { chromium } from 'playwright';
const base='http://127.0.0.1:3210';
const b=await chromium.launch({executablePath:'/usr/bin/chromium',args:['--no-sandbox','--disable-gpu']});
const out='/tmp/polls-shots'; import('fs').then(f=>f.mkdirSync(out,{recursive:true}));
const ctx=await b.newContext({viewport:{width:1280,height:900}});
const p=await ctx.newPage(); p.on('console',m=>{if(['error','warning'].includes(m.type()))console.log('console',m.text())}); p.on('pageerror',e=>console.log('pageerror',e.message));
const ready=()=>p.locator('html[data-hydrated]').waitFor({state:'attached'});
const go=async u=>{await p.goto(base+u);await ready()};
await go('/sign-up');
await p.fill('#email',`ada.${Date.now()}@example.com`);await p.fill('#password','correct horse battery');
await p.locator('main button[type=submit]').click();await p.waitForURL('**/polls');await ready();
async function make(q,os,multi){await go('/polls/new');await p.fill('#question',q);for(let i=0;i<os.length;i++)await p.fill(`#option-${i}`,os[i]);if(multi)await p.getByLabel('Voters may choose several').check();await p.locator('main button[type=submit]').click();await p.waitForURL('**/polls');}
await make('Where do we have lunch on Friday?',['The soup kitchen at the corner','Salad bar','We bring our own and sit in the park, if it does not rain','Pizza'],false);
await make('What should the next release be called?',['Running stitch','Backstitch'],true);
await make('ما هو الغداء اليوم؟ 🍜 <b>x</b>',['مرحبا','W'.repeat(100)],true);
const link=await p.locator('li.poll:has-text("lunch on Friday") h2 a').getAttribute('href');
const id=link.split('/').pop();
for(let i=0;i<9;i++){const c=await b.newContext({javaScriptEnabled:false});const q=await c.newPage();await q.goto(base+'/p/'+id);await q.locator('input[name=choice]').nth([0,0,0,0,2,2,1,3,0][i]).check();await q.locator('main button[type=submit]').click();await c.close();}
const shots=[['list','/polls'],['new','/polls/new'],['own',link],['vote','/p/'+id],['edit',(await (async()=>{await go('/polls');return p.locator('li.poll:has-text("next release") h2 a').getAttribute('href')})())+'/edit']];
for(const [n,u] of shots){await go(u);for(const s of ['light','dark']){await p.emulateMedia({colorScheme:s});for(const w of [1280,390]){await p.setViewportSize({width:w,height:w===390?844:900});await p.screenshot({path:`${out}/${n}-${s}-${w}.png`,fullPage:true});}}}
await p.emulateMedia({colorScheme:'light'});await p.setViewportSize({width:1280,height:900});
await go('/p/'+id);await p.locator('input[name=choice]').nth(1).check();await p.locator('main button[type=submit]').click();await p.getByText('Your vote is in').waitFor();await p.screenshot({path:`${out}/voted.png`});
await go(link);await p.getByText('Export results as CSV').click();await p.getByText('Close this poll').click();await p.screenshot({path:`${out}/own-open.png`,fullPage:true});
await p.emulateMedia({media:'print'});await p.screenshot({path:`${out}/own-print.png`,fullPage:true});await p.emulateMedia({media:'screen'});
await p.getByRole('button',{name:'Delete this poll'}).click();await p.waitForURL('**/polls?deleted=*');await p.waitForTimeout(300);await p.screenshot({path:`${out}/deleted.png`,fullPage:true});
await p.getByRole('button',{name:'Undo'}).click();await p.waitForURL(base+'/polls');
await go('/p/nothing');await p.screenshot({path:`${out}/404.png`});
await b.close();
