// Extracts the JSON Schema of the objects in roots.ts from the types of stripe-node: `npm i --ignore-scripts && npm run extract`.
import ts from 'typescript'; import fs from 'fs';
const prog=ts.createProgram(['roots.ts'],{target:ts.ScriptTarget.ES2022,module:ts.ModuleKind.NodeNext,moduleResolution:ts.ModuleResolutionKind.NodeNext,strict:true,skipLibCheck:true,noEmit:true});
const ck=prog.getTypeChecker(); const sf=prog.getSourceFile('roots.ts');
const root=ck.getTypeAtLocation(sf.statements.find(s=>ts.isInterfaceDeclaration(s)&&s.name.text==='Root'));
const top=new Map(), defs={}, seen=new Map();
for(const p of root.getProperties()) top.set(ck.getTypeOfSymbolAtLocation(p,sf).symbol,p.name);
const fq=s=>{const d=s.declarations?.[0]; const file=d?d.getSourceFile().fileName.replace(/.*\/(resources|esm)\//,'').replace('.d.ts',''):''; return file+'#'+ck.getFullyQualifiedName(s).replace(/".*"\./,'')};
const isRes=t=>{const o=t.getProperty&&t.getProperty('object'); return t.symbol&&o&&t.getProperty('id')};
function S(t){
  if(/^Decimal/.test(t.aliasSymbol?.name||t.symbol?.name||'')) return {type:'string'};
  if(t.isUnion()){
    let ms=t.types, nul=false;
    ms=ms.filter(m=>{ if(m.flags&ts.TypeFlags.Null){nul=true;return false} return !(m.flags&ts.TypeFlags.Undefined)});
    const lits=ms.filter(m=>m.isStringLiteral()).map(m=>m.value), bools=ms.filter(m=>m.flags&ts.TypeFlags.BooleanLiteral), nums=ms.filter(m=>m.isNumberLiteral());
    const rest=ms.filter(m=>!m.isStringLiteral()&&!(m.flags&ts.TypeFlags.BooleanLiteral)&&!m.isNumberLiteral());
    const alts=[];
    const open=rest.filter(m=>m.isIntersection()&&lits.length);  // OtherString
    const rs=rest.filter(m=>!open.includes(m)).filter(m=>{const n=m.symbol?.name||''; return !n.startsWith('Deleted')});
    if(lits.length) alts.push({enum:[...lits]});
    if(bools.length) alts.push({type:'boolean'});
    for(const r of rs) alts.push(S(r));
    if(nul) alts.push({type:'null'});
    return alts.length===1?alts[0]:{anyOf:alts};
  }
  if(t.isIntersection()){ return {type:'string'} }
  if(t.isStringLiteral()) return {const:t.value};
  if(t.flags&ts.TypeFlags.String) return {type:'string'};
  if(t.flags&ts.TypeFlags.Number) return {type:'number'};
  if(t.flags&(ts.TypeFlags.Boolean|ts.TypeFlags.BooleanLiteral)) return {type:'boolean'};
  if(t.flags&(ts.TypeFlags.Any|ts.TypeFlags.Unknown)) return {};
  if(t.symbol?.name==='Decimal') return {type:'string'};
  if(ck.isArrayType(t)) return {type:'array',items:S(ck.getTypeArguments(t)[0])};
  if(top.has(t.symbol)) return {$ref:'#/$defs/'+top.get(t.symbol)};
  if(isRes(t)&&!['AutomaticTax'].includes(t.symbol.name)&&t.symbol.declarations[0].getSourceFile().fileName.match(/resources\//)&&ck.getFullyQualifiedName(t.symbol).split('.').length<=3&&!/Session$/.test('')&&!allowNested(t)) return {type:'object',required:['id','object'],description:'resource '+t.symbol.name};
  return O(t);
}
const NEST=new Set(['SubscriptionItem','InvoiceLineItem','Plan','TestClock','LineItem','Discount','Configuration','CustomerBalanceTransaction']);
function allowNested(t){return NEST.has(t.symbol.name)}
function O(t,force){
  const args=(t.aliasTypeArguments||ck.getTypeArguments(t)||[]).map(a=>a.symbol?.name||'').join('_');
  const name=(t.symbol&&t.symbol.name!=='__type'?fq(t.symbol)+(args?'<'+args+'>':''):null);
  if(name&&!force){ const key=name.replace(/[^A-Za-z0-9_.]/g,'_'); if(!seen.has(key)){seen.set(key,1); defs[key]=null; defs[key]=O(t,true);} return {$ref:'#/$defs/'+key}; }
  const idx=ck.getIndexInfoOfType(t,ts.IndexKind.String);
  const props={},req=[];
  for(const p of ck.getPropertiesOfType(t)){ if(p.flags&ts.SymbolFlags.Method) continue; if(p.name==='lastResponse') continue;
    const pt=ck.getTypeOfSymbolAtLocation(p,sf); const optional=!!(p.flags&ts.SymbolFlags.Optional); props[p.name]=S(pt); if(!optional) req.push(p.name); }
  const o={type:'object'}; if(Object.keys(props).length) o.properties=props; if(req.length) o.required=req; o.additionalProperties=idx?S(idx.type):(Object.keys(props).length?false:true); return o;
}
for(const p of root.getProperties()){ const t=ck.getTypeOfSymbolAtLocation(p,sf); defs[p.name]=O(t,true); }
const out={$schema:'https://json-schema.org/draft/2020-12/schema',$comment:'extracted from stripe-node (MIT) '+fs.readFileSync('node_modules/stripe/VERSION','utf8').trim()+' API '+(fs.readFileSync('node_modules/stripe/esm/apiVersion.js','utf8').match(/'(20[^']+)'/)[1]),$defs:defs};
fs.writeFileSync('stripe.json',JSON.stringify(out)); console.log(Object.keys(defs).length,'defs',JSON.stringify(out).length,'bytes');
for(const p of root.getProperties()){const d=defs[p.name]; console.log(p.name,Object.keys(d.properties||{}).length,'props',(d.required||[]).length,'required')}
